import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { parse } from 'yaml';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { BootstrapAnswer } from '../../../../operator/commands/bootstrap/bootstrap.ts';
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
  assert.ok(text.includes(`url='https://example.com/miyamoto-agent_0.1.0_amd64.deb'`));
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
  const { write_files, runcmd } = parse(text) as {
    readonly write_files: readonly { readonly path: string; readonly content: string }[];
    readonly runcmd: readonly (readonly string[])[];
  };
  const [file] = write_files;
  assert.ok(file);
  assert.equal(file.content, (await printed(lab, '--agent', DEB)).text);
  assert.deepEqual(runcmd, [['/bin/sh', file.path]]);
});

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
