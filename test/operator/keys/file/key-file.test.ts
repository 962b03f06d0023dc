import assert from 'node:assert/strict';
import { verify } from 'node:crypto';
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { Key, Metadata, MetadataKind } from '@tufjs/models';
import { fileSigner } from '../../../../operator/keys/file/file-signer.ts';
import {
  createKeyFile,
  type KeyDocument,
  type KeyFile,
  readKeyFile,
} from '../../../../operator/keys/file/key-file.ts';
import type { PassphraseSource } from '../../../../operator/keys/file/passphrase.ts';
import { keyIdOf } from '../../../../operator/keys/public/signer.ts';
import { signFile } from '../../../../operator/metadata/signed-file.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const now = new Date('2026-03-01T12:00:00Z');
const never: PassphraseSource = () => assert.fail('nobody should be asked');

async function newKey(t: TestContext, passphrase?: string) {
  const path = join(await temporaryDirectory(t), 'keys/acme/operator.json');
  return await createKeyFile({ path, passphrase, now });
}

const hasCode = (code: string) => (error: unknown) =>
  error instanceof CodedError && error.code === code;

test('key file: mode 0600 in a directory of mode 0700, whatever the umask', async (t) => {
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  const { path } = await newKey(t);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.equal((await stat(join(path, '..'))).mode & 0o777, 0o700);
  assert.deepEqual(await readdir(join(path, '..')), ['.gitignore', 'operator.json']);
});

test('key file: an existing one is never replaced', async (t) => {
  const { path } = await newKey(t);
  const before = await readFile(path);
  await assert.rejects(createKeyFile({ path, passphrase: undefined, now }), hasCode('KEY_INVALID'));
  assert.deepEqual(await readFile(path), before);
  assert.deepEqual(await readdir(join(path, '..')), ['.gitignore', 'operator.json']);
});

for (const passphrase of [undefined, 'correct horse\u00e9']) {
  test(`key file: TUF clients verify its signatures, ${passphrase ? 'with' : 'without'} a passphrase`, async (t) => {
    const { path } = await newKey(t, passphrase);
    // On another keyboard the same text has another Unicode form.
    const ask = passphrase === undefined ? never : () => Promise.resolve('correct horsee\u0301');
    const signer = fileSigner(await readKeyFile(path), ask);
    const { bytes } = await signFile({
      role: 'env-stable',
      version: 1,
      content: { _type: 'targets', targets: {} },
      signers: [signer],
      treeId: 'acme/ubuntu',
      now: now.getTime(),
    });
    const document = Metadata.fromJSON(MetadataKind.Targets, JSON.parse(String(bytes)));
    Key.fromJSON(signer.keyId, {
      ...signer.publicKey,
      keyval: { ...signer.publicKey.keyval },
    }).verifySignature(document);
    assert.equal(signer.keyId, keyIdOf(signer.publicKey));
  });
}

test('key file: a passphrase keeps the private part out of the file', async (t) => {
  const { path } = await newKey(t, 'secret');
  const document = JSON.parse(await readFile(path, 'utf8')) as KeyDocument;
  assert.equal(document.private.kind, 'scrypt-aes-256-gcm');
  assert.deepEqual(Object.keys(document.private).sort(), [
    'ciphertext',
    'kind',
    'n',
    'nonce',
    'p',
    'r',
    'salt',
    'tag',
  ]);
  assert.ok(!JSON.stringify(document).includes('MC4CAQAwBQYDK2Vw')); // the start of an Ed25519 PKCS#8
});

test('key file: mm asks for the passphrase once, at the first signature', async (t) => {
  let asked = 0;
  const ask: PassphraseSource = (name) => {
    asked++;
    assert.equal(name, 'operator');
    return Promise.resolve('secret');
  };
  const signer = fileSigner(await newKey(t, 'secret'), ask);
  assert.equal(asked, 0);
  const [first, second] = await Promise.all([
    signer.sign(Buffer.from('a')),
    signer.sign(Buffer.from('a')),
  ]);
  assert.equal(asked, 1);
  assert.deepEqual(first, second);
  const key = Buffer.concat([
    Buffer.from('302a300506032b6570032100', 'hex'),
    Buffer.from(signer.publicKey.keyval.public, 'hex'),
  ]);
  assert.ok(verify(null, Buffer.from('a'), { key, format: 'der', type: 'spki' }, first));
});

test('key file: a wrong passphrase is KEY_LOCKED', async () => {
  const signer = fileSigner(await locked, () => Promise.resolve('guess'));
  await assert.rejects(signer.sign(Buffer.from('a')), hasCode('KEY_LOCKED'));
});

/** Shared by the tests: making one takes half a second and 128 MB. */
let locked: Promise<KeyFile>;
before((t) => {
  locked = newKey(t as TestContext, 'secret');
});

/** Faults in the file of a key with a passphrase. */
const spoilt = {
  'cut off': { spoil: (text: string) => text.slice(0, 200) },
  empty: { spoil: () => '' },
  'another public key': {
    spoil: (text: string) =>
      text.replace(/"public":"[0-9a-f]{64}"/, `"public":"${'0'.repeat(64)}"`),
  },
  'another key id': {
    spoil: (text: string) => text.replace(/"keyid":"[0-9a-f]{64}"/, `"keyid":"${'0'.repeat(64)}"`),
  },
  'unknown version': { spoil: (text: string) => text.replace('"version":1', '"version":2') },
  'unknown field': { spoil: (text: string) => text.replace('"version":1', '"version":1,"x":1') },
  'costs that would take all memory': {
    spoil: (text: string) => text.replace('"n":131072', '"n":1073741824'),
  },
  'costs too low to protect': { spoil: (text: string) => text.replace('"n":131072', '"n":2') },
  'far too large': { spoil: (text: string) => text + ' '.repeat(20_000) },
} satisfies Record<string, { spoil: (text: string) => string }>;

for (const [name, { spoil }] of Object.entries(spoilt)) {
  test(`key file: ${name} is KEY_INVALID`, async (t) => {
    const text = `${JSON.stringify((await locked).document)}\n`;
    assert.notEqual(spoil(text), text);
    const path = join(await temporaryDirectory(t), 'operator.json');
    await writeFile(path, text, { mode: 0o600 });
    await readKeyFile(path);
    await writeFile(path, spoil(text));
    await assert.rejects(readKeyFile(path), hasCode('KEY_INVALID'));
  });
}

test('key file: the private part of another key is KEY_INVALID; encrypted for another key it is KEY_LOCKED', async (t) => {
  const mine = await newKey(t);
  const other = await newKey(t);
  const swapped = { ...mine, document: { ...mine.document, private: other.document.private } };
  await assert.rejects(fileSigner(swapped, never).sign(Buffer.from('a')), hasCode('KEY_INVALID'));
  const { document } = await locked;
  const moved = { ...mine, document: { ...mine.document, private: document.private } };
  const ask = () => Promise.resolve('secret');
  await assert.rejects(fileSigner(moved, ask).sign(Buffer.from('a')), hasCode('KEY_LOCKED'));
});

for (const mode of [0o640, 0o604, 0o660]) {
  test(`key file: mode ${mode.toString(8)} is KEY_INVALID`, async (t) => {
    const { path } = await newKey(t);
    await chmod(path, mode);
    await assert.rejects(readKeyFile(path), hasCode('KEY_INVALID'));
  });
}

test('key file: a missing file is KEY_MISSING', async (t) => {
  const path = join(await temporaryDirectory(t), 'none.json');
  await assert.rejects(readKeyFile(path), hasCode('KEY_MISSING'));
});
