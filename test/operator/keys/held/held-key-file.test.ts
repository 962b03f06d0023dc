import assert from 'node:assert/strict';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { heldKeyFile, writeHeldKeyFile } from '../../../../operator/keys/held/held-key-file.ts';
import { openKeyring, readSigningKeys } from '../../../../operator/keys/keyring.ts';
import { newKeyFile, readSigningKey } from '../../../../operator/keys/signing-key.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { hasCode } from '../../commit/accepted.ts';
import { newSigner } from '../keys.ts';

const now = new Date('2026-03-01T12:00:00Z');
const noPassphrase = () => assert.fail('nobody should be asked');

/** The file of a key that a program holds. The program is never run here. */
async function heldKey(t: TestContext) {
  const holder = { kind: 'command', command: ['/nonexistent/sign', '--slot', '9c'] } as const;
  const { publicKey } = newSigner();
  const path = join(await temporaryDirectory(t), 'keys', 'hsm.json');
  const file = heldKeyFile(
    path,
    { publicKey, holder: { ...holder, command: [...holder.command] } },
    now,
  );
  await writeHeldKeyFile(file);
  return file;
}

test('held key file: reading returns what was written, and an existing file is never replaced', async (t) => {
  const file = await heldKey(t);
  assert.deepEqual(await readSigningKey(file.path), file);
  const before = await readFile(file.path);
  const other = heldKeyFile(
    file.path,
    { ...file.document, publicKey: newSigner().publicKey, holder: file.document.private },
    now,
  );
  await assert.rejects(writeHeldKeyFile(other), hasCode('KEY_INVALID'));
  assert.deepEqual(await readFile(file.path), before);
  assert.deepEqual(await readdir(join(file.path, '..')), ['.gitignore', 'hsm.json']);
});

test('held key file: a keyring opens it together with keys in files', async (t) => {
  const { path, document } = await heldKey(t);
  const directory = join(path, '..');
  const here = join(directory, 'ann.json');
  const ann = await newKeyFile({ kind: 'file', path: here, passphrase: undefined, now });
  const files = await readSigningKeys(directory);
  assert.deepEqual(
    files.map((file) => [file.name, file.document.private.kind]),
    [
      ['ann', 'plain'],
      ['hsm', 'command'],
    ],
  );
  const { signers } = await openKeyring(directory, noPassphrase, {});
  assert.deepEqual(
    signers.map(({ keyId }) => keyId),
    [ann.document.keyid, document.keyid],
  );
  assert.equal((await signers[0]!.sign(Buffer.from('a'))).length, 64);
  await assert.rejects(signers[1]!.sign(Buffer.from('a')), hasCode('KEY_MISSING'));
});

test('held key file: it has no secrets, so the mode that git gives it is accepted', async (t) => {
  const file = await heldKey(t);
  for (const mode of [0o600, 0o644]) {
    await chmod(file.path, mode);
    assert.deepEqual(await readSigningKey(file.path), file);
  }
});

for (const mode of [0o664, 0o646]) {
  test(`held key file: mode ${mode.toString(8)} is KEY_INVALID: other users could choose the program`, async (t) => {
    const { path } = await heldKey(t);
    await chmod(path, mode);
    await assert.rejects(readSigningKey(path), hasCode('KEY_INVALID'));
  });
}

test('held key file: its mode does not depend on the umask', async (t) => {
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  const { path } = await heldKey(t);
  assert.equal((await stat(path)).mode & 0o777, 0o644);
  assert.equal((await stat(join(path, '..'))).mode & 0o777, 0o700);
});

/** Faults in the file. */
const spoilt: Record<string, (text: string) => string> = {
  'cut off': (text) => text.slice(0, 200),
  'another public key': (text) =>
    text.replace(/"public":"[0-9a-f]{64}"/, `"public":"${'0'.repeat(64)}"`),
  'another key id': (text) => text.replace(/"keyid":"[0-9a-f]{64}"/, `"keyid":"${'0'.repeat(64)}"`),
  'unknown version': (text) => text.replace('"version":1', '"version":2'),
  'unknown field': (text) => text.replace('"version":1', '"version":1,"x":1'),
  'unknown holder': (text) => text.replace('"kind":"command"', '"kind":"cloud"'),
  'a command line for a shell': (text) => text.replace(/"command":\[.*\]/, '"command":"sign it"'),
  'a relative path': (text) => text.replace('"/nonexistent/sign"', '"./sign"'),
  'far too large': (text) => text + ' '.repeat(20_000),
};

for (const [name, spoil] of Object.entries(spoilt)) {
  test(`held key file: ${name} is KEY_INVALID`, async (t) => {
    const { path } = await heldKey(t);
    const text = await readFile(path, 'utf8');
    assert.notEqual(spoil(text), text);
    await writeFile(path, spoil(text));
    await chmod(path, 0o600);
    await assert.rejects(readSigningKey(path), hasCode('KEY_INVALID'));
  });
}
