import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { metadataKey } from '../../../../bucket/layout.ts';
import { PublishAnswer } from '../../../../operator/answers.ts';
import { KeyNewAnswer } from '../../../../operator/key-answers.ts';
import { PublicKeyDocument } from '../../../../operator/keys/public/public-key-file.ts';
import {
  afterEachPut,
  changed,
  codeOf,
  fileNames,
  hostOf,
  keysOf,
  listKeys,
  newKey,
  signersOf,
} from '../../key-commands.ts';
import { initialized, snapshotOf, TREE } from '../../operator-lab.ts';

const PUBLISH = ['publish', 'stable', '--no-validate'];
const AGAIN = ['--force', '--version', '1.0.0'];
const ONLINE = ['--role', 'online', '--add', 'ann', '--remove', 'operator'];
const EVERYTHING = ['root', 'targets', 'online', 'stable'].flatMap((role) => ['--role', role]);
const TIMESTAMP = metadataKey(TREE, 'timestamp.json');

test('key new, export, list: a key of this tree, in no role yet', async (t) => {
  const lab = await initialized(t);
  const { json } = await lab.mm(['key', 'new', 'ann', '--noop', '--json']);
  const noop = KeyNewAnswer.parse(json);
  assert.deepEqual([noop.outcome, noop.keyId], ['noop', null]);
  await assert.rejects(stat(noop.file));
  const keyId = await newKey(lab, 'ann');
  assert.equal((await stat(noop.file)).mode & 0o777, 0o600);
  const exported = await lab.mm(['key', 'export', 'ann', '--json']);
  const document = PublicKeyDocument.parse(exported.json);
  assert.deepEqual([document.keyid, document.name, document.tree], [keyId, 'ann', 'acme/ubuntu']);
  assert.doesNotMatch(exported.stdout, /pkcs8|private/);
  const out = join(lab.directory, 'ann.pub.json');
  assert.equal((await lab.mm(['key', 'export', 'ann', '--out', out])).exitCode, 0);
  assert.deepEqual(JSON.parse(await readFile(out, 'utf8')), exported.json);
  const { keys } = await listKeys(lab);
  assert.deepEqual(
    keys.map(({ name, roles, kind }) => [name, roles.join(), kind]),
    [
      ['operator', 'online,stable,testing,dev', 'file without passphrase'],
      ['safe', 'root,targets', 'file without passphrase'],
      ['ann', '', 'file without passphrase'],
    ],
  );
  for (const more of [[], ['--noop'], ['--signer', 'command', '--', 'true']]) {
    assert.equal(await codeOf(lab, ['key', 'new', 'ann', ...more]), 'KEY_INVALID', more.join(' '));
  }
  const taken = ['key', 'export', 'ann', '--out', out];
  for (const more of [[], ['--noop']])
    assert.equal(await codeOf(lab, [...taken, ...more]), 'USAGE');
  assert.equal(await codeOf(lab, ['key', 'new', '../ann']), 'USAGE');
});

test('I19: a revoked key has signed nothing that counts any more, after one commit', async (t) => {
  const lab = await initialized(t);
  await lab.mm(PUBLISH);
  const host = await hostOf(t, lab, 'kept');
  await host.poll();
  const ann = await newKey(lab, 'ann');
  const before = lab.files();
  const [operator] = (await listKeys(lab)).keys;
  const revoke = ['key', 'revoke', 'operator', '--replace-by', 'ann', '--keep'];
  const noop = await changed(lab, [...revoke, '--noop']);
  assert.deepEqual([noop.outcome, lab.files()], ['noop', before]);
  const answer = await changed(lab, revoke);
  assert.equal(answer.outcome, 'committed');
  assert.deepEqual(answer.objects, noop.objects);
  assert.deepEqual(fileNames(answer.objects), [
    '2.targets.json',
    '3.env-stable.json',
    '2.env-testing.json',
    '2.env-dev.json',
    '3.snapshot.json',
    '2.root.json',
    'timestamp.json',
  ]);
  const { roles, keys } = lab.metadata('2.root.json').signed;
  assert.ok(!JSON.stringify([roles, keys]).includes(operator!.keyId));
  for (const file of ['3.env-stable.json', '2.env-testing.json', 'timestamp.json']) {
    assert.deepEqual(signersOf(lab, file), [ann], file);
  }
  for (const each of [host, await hostOf(t, lab, 'fresh')]) {
    const { trusted } = await each.poll();
    assert.equal(trusted.versions['root'], 2);
    assert.equal(trusted.environments.get('stable')?.current?.custom.version, '0.1.0');
  }
  assert.equal((await changed(lab, ['renew'])).outcome, 'unchanged');
  // The revoked key is useless to a thief, and the new key alone is enough.
  await rm(join(keysOf(lab), 'operator.json'));
  const published = await lab.mm([...PUBLISH, ...AGAIN, '--json']);
  assert.equal(PublishAnswer.parse(published.json).outcome, 'published');
  await rm(join(keysOf(lab), 'ann.json'));
  assert.equal(await codeOf(lab, [...PUBLISH, '--force', '--version', '1.0.1']), 'KEY_MISSING');
});

test('a solo operator who lost the key gets back with the one from the safe', async (t) => {
  const lab = await initialized(t);
  await lab.mm(PUBLISH);
  await rm(join(keysOf(lab), 'operator.json'));
  const host = await hostOf(t, lab, 'kept');
  await host.poll();
  assert.equal(await codeOf(lab, [...PUBLISH, ...AGAIN]), 'KEY_MISSING');
  await newKey(lab, 'again');
  await changed(lab, ['key', 'revoke', 'operator', '--replace-by', 'again', '--keep']);
  const published = await lab.mm([...PUBLISH, ...AGAIN, '--json']);
  const { release } = PublishAnswer.parse(published.json);
  const { trusted } = await host.poll();
  assert.equal(trusted.environments.get('stable')?.current?.custom.release, release.release);
});

test('a key that a program holds signs like any other: ECDSA, for every role', async (t) => {
  const lab = await initialized(t);
  const held = join(lab.directory, 'held');
  await mkdir(held);
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  await writeFile(join(held, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const program = join(import.meta.dirname, '../../keys/held/signing-command.ts');
  const command = [process.execPath, program, held, 'pem'];
  await newKey(lab, 'hsm', '--signer', 'command', '--', ...command);
  const rotate = [...EVERYTHING, '--role', 'testing', '--role', 'dev', '--add', 'hsm'];
  await changed(lab, ['key', 'rotate', ...rotate, '--remove', 'operator']);
  await rm(join(keysOf(lab), 'operator.json'));
  assert.equal((await lab.mm([...PUBLISH, '--version', '1.0.0'])).exitCode, 0);
  const { trusted } = await (await hostOf(t, lab, 'fresh')).poll();
  assert.equal(trusted.environments.get('stable')?.current?.custom.version, '1.0.0');
  const hsm = (await listKeys(lab)).keys.find(({ name }) => name === 'hsm');
  assert.deepEqual([hsm?.kind, hsm?.roles.length], ['command', 6]);
});

const REFUSED: Readonly<Record<string, readonly [string, ...string[]]>> = {
  'a revocation that leaves a role without a key': ['THRESHOLD_UNMET', 'revoke', 'operator'],
  'a revocation of a key that no role has': ['USAGE', 'revoke', 'nobody'],
  'more signatures than keys': ['THRESHOLD_UNMET', 'rotate', '--role', 'root', '--threshold', '3'],
  'no signature': ['THRESHOLD_UNMET', 'rotate', '--role', 'root', '--threshold', '0'],
  'a role of TUF that mm does not name': [
    'USAGE',
    'rotate',
    '--role',
    'timestamp',
    '--threshold',
    '1',
  ],
  'nothing to change': ['USAGE', 'rotate', '--role', 'root'],
  'a public key that is not there': ['KEY_MISSING', 'rotate', '--role', 'root', '--add', 'x.json'],
  'recovery without a new key': ['USAGE', 'rotate', '--role', 'online', '--recover'],
  'recovery by a key that was online': [
    'USAGE',
    'rotate',
    '--role',
    'online',
    '--recover',
    '--add',
    'operator',
  ],
};

for (const [name, [code, ...args]] of Object.entries(REFUSED)) {
  test(`key: ${name} is ${code}, and nothing is written`, async (t) => {
    const lab = await initialized(t);
    const before = snapshotOf(lab.server);
    assert.equal(await codeOf(lab, ['key', ...args]), code);
    assert.deepEqual(snapshotOf(lab.server), before);
  });
}

const ROTATIONS: Readonly<Record<string, readonly string[]>> = {
  'of the online key': ONLINE,
  'of everything': [...EVERYTHING, '--add', 'ann', '--remove', 'operator', '--keep'],
  'of targets': ['--role', 'targets', '--add', 'ann', '--remove', 'operator', '--remove', 'safe'],
  'that adds a root key': ['--role', 'root', '--add', 'ann'],
  'to two signatures': ['--role', 'root', '--role', 'targets', '--add', 'ann', '--threshold', '2'],
  'of an environment': ['--role', 'stable', '--add', 'ann', '--remove', 'operator', '--keep'],
};

for (const [name, args] of Object.entries(ROTATIONS)) {
  test(`I5: a rotation ${name}: after each of its uploads each kind of host can follow`, async (t) => {
    const lab = await initialized(t);
    await lab.mm(PUBLISH);
    await newKey(lab, 'ann');
    const idle = await hostOf(t, lab, 'idle');
    await idle.poll();
    const seen: string[] = [];
    const afterPut = afterEachPut(async (key) => {
      seen.push(key);
      // One host is installed now; for the others a root is due, or "unchanged" is all they hear.
      const fresh = await hostOf(t, lab, `fresh-${seen.length}`);
      const late = await hostOf(t, lab, `fresh-${seen.length - 1}`);
      for (const host of [idle, fresh, late]) {
        const { trusted } = await host.poll();
        assert.equal(trusted.environments.get('stable')?.current?.custom.version, '0.1.0', key);
      }
    });
    const answer = await changed(lab, ['key', 'rotate', ...args], afterPut);
    assert.equal(answer.outcome, 'committed');
    assert.equal(seen.at(-1), TIMESTAMP);
    const { trusted } = await idle.poll();
    for (const [role, version] of Object.entries(trusted.versions)) {
      assert.equal(version, answer.versions?.[role], role);
    }
    assert.equal((await lab.mm(['doctor'])).exitCode, 0);
  });
}
