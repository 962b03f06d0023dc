import assert from 'node:assert/strict';
import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { metadataKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { BootstrapAnswer } from '../../../../operator/commands/bootstrap/bootstrap.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { BUCKET, initialized, type OperatorLab, TREE } from '../../operator-lab.ts';

/* test/boxes/bootstrap.test.ts runs the script. */

const SHA256 = 'ab'.repeat(32);
const DEB = `https://example.com/miyamoto-agent_0.1.0_amd64.deb#sha256=${SHA256}`;
const RPM = `https://example.com/miyamoto-agent-0.1.0-1.aarch64.rpm#sha256=${SHA256}`;

async function printed(lab: OperatorLab, ...words: string[]): Promise<BootstrapAnswer> {
  const { json, stderr } = await lab.mm(['bootstrap', '--json', ...words]);
  return BootstrapAnswer.parse(json, { error: () => stderr });
}

test('bootstrap: a script for sh with the files of the host and the digest of each', async (t) => {
  const lab = await initialized(t);
  const { text, agents, form } = await printed(lab, '--agent', DEB, '--agent', RPM);
  assert.equal(form, 'shell');
  execFileSync('sh', ['-n'], { input: text });
  assert.deepEqual(
    agents.map(({ kind }) => kind),
    ['deb-amd64', 'rpm-aarch64'],
  );
  assert.ok(text.includes(`url=https://example.com/miyamoto-agent_0.1.0_amd64.deb\n`));
  const placed = [...text.matchAll(/^place (\S+) ([0-9a-f]{64})$/gm)].map(([, name, sha256]) => [
    name,
    sha256,
  ]);
  const digest = (file: string) => {
    const bytes = lab.server.get(BUCKET, `${TREE}/manifests/metadata/${file}`);
    return createHash('sha256').update(String(bytes)).digest('hex');
  };
  // The root comes last: a host that has one has everything.
  assert.deepEqual(placed.slice(1), [
    ['timestamp.json', digest('timestamp.json')],
    ['snapshot.json', digest('1.snapshot.json')],
    ['root.json', digest('1.root.json')],
  ]);
  const user = await printed(lab, '--user-data', '--agent', DEB, '--agent', RPM);
  assert.deepEqual([user.text, user.form], [text, 'user-data']);
});

test('bootstrap: for cloud-init the script is a file that runs', async (t) => {
  const lab = await initialized(t);
  const { text } = await printed(lab, '--cloud-init', '--agent', DEB);
  assert.match(text, /^#cloud-config\n/);
  assert.equal(scriptIn(text), (await printed(lab, '--agent', DEB)).text);
});

function scriptIn(cloudConfig: string): string {
  const { write_files, runcmd } = parse(cloudConfig) as {
    readonly write_files: readonly { readonly path: string; readonly content: string }[];
    readonly runcmd: readonly (readonly string[])[];
  };
  const [file] = write_files;
  assert.ok(file);
  assert.deepEqual(runcmd, [['/bin/sh', file.path]]);
  return file.content;
}

test('bootstrap: a binary of the tree comes from the bucket, with the signed digest', async (t) => {
  const lab = await initialized(t);
  const name = 'miyamoto-agent_0.1.0_amd64.deb';
  await lab.write(name, 'a package');
  for (const words of [['init'], ['put', name]]) {
    assert.equal((await lab.mm(['binaries', ...words])).exitCode, 0);
  }
  const { agents } = await printed(lab, '--agent', name);
  const sha256 = createHash('sha256').update('a package').digest('hex');
  const url = `s3://${BUCKET}/${TREE}/binaries/${sha256}.${name}`;
  assert.deepEqual(agents, [{ kind: 'deb-amd64', fileName: name, url, sha256 }]);
  assert.equal(ErrorAnswer.parse(await errorOf(lab, 'other_amd64.deb')).error.code, 'USAGE');
});

const REFUSED: Readonly<Record<string, string>> = {
  'a URL without a digest': 'https://example.com/a_amd64.deb',
  'a name that does not say for which hosts it is': `https://example.com/a.deb#sha256=${SHA256}`,
  'a password in the URL': `https://ann:secret@example.com/a_amd64.deb#sha256=${SHA256}`,
  'a signed URL': `https://example.com/a_amd64.deb?X-Amz-Signature=secret#sha256=${SHA256}`,
  'an end of line for YAML in the URL': `https://example.com/\u0085/a_amd64.deb#sha256=${SHA256}`,
  'a quote in the name': `https://example.com/a'b_amd64.deb#sha256=${SHA256}`,
};
test('bootstrap: refuses what it could not check, and credentials', async (t) => {
  const lab = await initialized(t);
  for (const [name, word] of Object.entries(REFUSED)) {
    const json = await errorOf(lab, word);
    assert.equal(ErrorAnswer.parse(json).error.code, 'USAGE', name);
    assert.doesNotMatch(JSON.stringify(json), /secret/, name);
  }
});

async function errorOf(lab: OperatorLab, word: string): Promise<unknown> {
  return (await lab.mm(['bootstrap', '--json', '--agent', word])).json;
}

/** Programs of a Mac that this machine does not have, or that ask for root. */
const MAC: Readonly<Record<string, string>> = {
  id: 'echo 0',
  uname: '[ "$1" = -s ] && echo Darwin || echo x86_64',
  sysctl: 'echo 1',
  // A Mac may have it from Homebrew.
  dpkg: 'echo amd64',
  curl: 'while [ "$1" != --output ]; do shift; done; echo "$3" >>ROOT/calls; printf package >"$2"',
  installer: 'echo "installer $(basename "$2") $3 $4" >>ROOT/calls; cat "$2" >ROOT/installed',
  launchctl: 'echo "launchctl $*" >>ROOT/calls; [ "$1" != kill ]',
};

async function fakeMac(t: TestContext): Promise<string> {
  const root = await temporaryDirectory(t);
  await mkdir(join(root, 'bin'));
  for (const [name, text] of Object.entries(MAC)) {
    const script = `#!/bin/sh\n${text.replaceAll('ROOT', root)}\n`;
    await writeFile(join(root, 'bin', name), script, { mode: 0o755 });
  }
  return root;
}

function runOnMac(root: string, text: string): SpawnSyncReturns<string> {
  return spawnSync('sh', ['-c', text.replaceAll(/(?<=[\s"'])\/etc\//g, `${root}/etc/`)], {
    env: { PATH: `${root}/bin:/usr/bin:/bin` },
    encoding: 'utf8',
  });
}

/** Ends of a line for YAML 1.1, what the cleaned output of mm changes, and words for a shell. */
const ODD = "\u2028bootcmd:\u2028- [touch, /run/x]\u0085\u2029\u00ad\ufeff\t $(x) `x` 'x' 👩‍💻 \r";
/** What anyone who can write to the bucket adds to a file, whose signatures stay valid. */
const UNSIGNED = Buffer.concat([
  Buffer.from(`,"x":"${ODD.replace('\r', '\\r').replace('\t', '\\t')}`),
  Buffer.from('http://ann:secret@example.com -----BEGIN PRIVATE KEY-----'),
  Buffer.from([0xff]), // No UTF-8
  Buffer.from('"}'),
]);

test('bootstrap: no byte of a file reaches another parser, and all bytes reach the host', async (t) => {
  const lab = await initialized(t);
  assert.equal((await lab.mm(['renew', 'root'])).exitCode, 0);
  const own = `bucket: ${BUCKET}\ntree: ${TREE}\n# ${ODD}\n \n`;
  await lab.write('agent.yaml', own);
  const config = ['--agent-config', 'agent.yaml'];
  const [timestamp, newRoot] = ['timestamp.json', '2.root.json'].map((file) => {
    const key = metadataKey(TREE, file);
    const honest = String(lab.server.get(BUCKET, key)).trimEnd();
    const bytes = Buffer.concat([Buffer.from(honest.slice(0, -1)), UNSIGNED]);
    lab.server.put(BUCKET, key, bytes);
    return bytes;
  });
  await rm(join(lab.repository, '.miyamoto'), { recursive: true });
  for (const form of ['--user-data', '--cloud-init', '--shell', '--mdm']) {
    const { text } = await printed(lab, form, ...config);
    assert.match(text, /^[\n -~]+$/, form);
    assert.equal((await lab.mm(['bootstrap', form, ...config])).stdout, text, form);
    const root = await fakeMac(t);
    const read = (file: string) => readFile(join(root, 'etc/miyamoto', file));
    runOnMac(root, form === '--cloud-init' ? scriptIn(text) : text);
    assert.deepEqual(await read('timestamp.json'), timestamp, form);
    assert.deepEqual(await read('root.json'), newRoot, form);
    assert.deepEqual(await read('agent.yaml'), Buffer.from(own), form);
  }
  const site = await lab.mm(['package', 'site', '--output', 'build', ...config]);
  assert.equal(site.exitCode, 0, site.stderr);
});

test('bootstrap: on a Mac with Apple silicon the MDM script installs its package, and checks it', async (t) => {
  const lab = await initialized(t);
  const root = await fakeMac(t);
  const run = async (sha256: string) => {
    const agents = ['arm64', 'x86_64'].flatMap((architecture) => {
      const name = `miyamoto-agent-0.1.0-${architecture}.pkg`;
      return ['--agent', `https://example.com/${name}#sha256=${sha256}`];
    });
    const { text, form } = await printed(lab, '--mdm', ...agents);
    assert.equal(form, 'mdm');
    return runOnMac(root, text);
  };
  const other = await run(SHA256);
  assert.equal(other.status, 1);
  assert.match(other.stderr, /arm64\.pkg: wanted sha256 abab.*, found/);
  assert.deepEqual((await readdir(root)).toSorted(), ['bin', 'calls']);
  await rm(join(root, 'calls'));
  const { status, stderr } = await run(createHash('sha256').update('package').digest('hex'));
  assert.equal(status, 0, stderr);
  assert.deepEqual((await readFile(join(root, 'calls'), 'utf8')).trimEnd().split('\n'), [
    'https://example.com/miyamoto-agent-0.1.0-arm64.pkg',
    'installer miyamoto-agent-0.1.0-arm64.pkg -target /',
    'launchctl kill SIGHUP system/com.github.miyamoto.agent',
    'launchctl kickstart system/com.github.miyamoto.agent',
  ]);
  assert.equal(await readFile(join(root, 'installed'), 'utf8'), 'package');
  assert.deepEqual((await readdir(join(root, 'etc/miyamoto'))).toSorted(), [
    'agent.yaml',
    'root.json',
    'snapshot.json',
    'timestamp.json',
  ]);
});
