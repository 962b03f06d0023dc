import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { Config } from '../../../../agent/config/config.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { SitePackageAnswer } from '../../../../operator/commands/package/answers.ts';
import { parseConfigFile } from '../../../../shared/config/file.ts';
import { BUCKET, initialized, type OperatorLab, TREE } from '../../operator-lab.ts';

const SITE = ['package', 'site', '--output', 'build', '--json'] as const;

test('package site: a deb, an rpm and a pkg with the verified state of the bucket, always the same bytes', async (t) => {
  const lab = await initialized(t);
  const first = SitePackageAnswer.parse((await lab.mm(SITE)).json);
  assert.deepEqual(
    first.packages.map(({ path }) => basename(path)),
    [
      'miyamoto-site-ubuntu_1.1_all.deb',
      'miyamoto-site-ubuntu-1.1-1.noarch.rpm',
      'miyamoto-site-ubuntu-1.1.pkg',
    ],
  );
  for (const { path, sha256 } of first.packages) assert.equal(digest(await readFile(path)), sha256);
  for (const [name, stored] of [
    ['root.json', '1.root.json'],
    ['timestamp.json', 'timestamp.json'],
    ['snapshot.json', '1.snapshot.json'],
  ]) {
    const bytes = lab.server.get(BUCKET, `${TREE}/manifests/metadata/${stored}`);
    assert.equal(first.files[`/etc/miyamoto/${name}`], digest(bytes ?? Buffer.alloc(0)));
  }
  assert.deepEqual(SitePackageAnswer.parse((await lab.mm(SITE)).json), first);
});

test('package site: a newer state of the tree has a higher version', async (t) => {
  const lab = await initialized(t);
  assert.equal((await lab.mm(['publish', 'stable', '--no-validate'])).exitCode, 0);
  const { version, packages } = SitePackageAnswer.parse(
    (await lab.mm([...SITE, '--format', 'deb'])).json,
  );
  assert.equal(version, '1.2');
  assert.equal(packages.length, 1);
});

const OWN = 'bucket: fleet\ntree: ubuntu\n';

test('package site: the agent accepts the agent.yaml that mm writes, and one of the operator', async (t) => {
  const lab = await initialized(t);
  await lab.write('agent.yaml', `${OWN}schedule: { poll: '*/10 * * * *' }\n`);
  const given = SitePackageAnswer.parse((await lab.mm([...SITE, ...FILE])).json);
  const text = await readFile(join(lab.repository, 'agent.yaml'), 'utf8');
  assert.equal(given.files['/etc/miyamoto/agent.yaml'], digest(Buffer.from(text)));
  parseConfigFile(text, 'agent.yaml', Config);
  const { packages } = SitePackageAnswer.parse((await lab.mm(SITE)).json);
  assert.notDeepEqual(packages, given.packages);
});
const FILE = ['--agent-config', 'agent.yaml'];

const REFUSED: Readonly<Record<string, string>> = {
  'an AWS secret key': `${OWN}# aws_secret_access_key = wJalrXUtnFEMI7MDENGbPxRfiCYzQe81Kd90ZpL2\n`,
  'a private key': `${OWN}# -----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEIAAAAAAAAAAA\n`,
  'the password of a proxy': `${OWN}s3: { proxy: 'http://ann:secret@proxy.example.com:3128' }\n`,
  'another tree': 'bucket: fleet\ntree: osx\n',
  'no tree': 'bucket: fleet\n',
};
test('package site: refuses credentials and the configuration of another tree, and writes nothing', async (t) => {
  const lab = await initialized(t);
  for (const [name, text] of Object.entries(REFUSED)) {
    await lab.write('agent.yaml', text);
    assert.equal(await codeOf(lab), 'CONFIG_INVALID', name);
  }
  await lab.write('agent.yaml', OWN);
  await chmod(join(lab.repository, 'agent.yaml'), 0o666);
  assert.equal(await codeOf(lab), 'FILE_UNSAFE');
  await assert.rejects(readFile(join(lab.repository, 'build')), { code: 'ENOENT' });
});

async function codeOf(lab: OperatorLab): Promise<string | null> {
  const { json, stdout } = await lab.mm([...SITE, ...FILE]);
  assert.doesNotMatch(stdout, /wJalr|ann:secret/);
  return ErrorAnswer.parse(json).error.code;
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
