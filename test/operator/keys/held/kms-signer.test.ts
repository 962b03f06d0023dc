import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { heldKeyFile, writeHeldKeyFile } from '../../../../operator/keys/held/held-key-file.ts';
import { heldSigner } from '../../../../operator/keys/held/held-signer.ts';
import { openKeyring } from '../../../../operator/keys/keyring.ts';
import { tufKeyOf } from '../../../../operator/keys/public/public-key.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { assertHostsAccept, hasCode, newHeldKey } from '../../commit/accepted.ts';
import { ALIAS, type FakeKms, startFakeKms } from './fake-kms.ts';

const now = new Date('2026-03-01T12:00:00Z');
const bytes = Buffer.from('to be signed');
const access = { env: {} };
const noPassphrase = () => assert.fail('nobody should be asked');

async function keyFor(t: TestContext, key: string) {
  const path = join(await temporaryDirectory(t), 'keys', 'ci.json');
  return await newHeldKey({ kind: 'kms', path, now, key, ...access });
}

// Must be the first test: the package is not loaded yet.
test('kms: the first signature loads its package, a key file does not', async (t) => {
  const loaded = () =>
    Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('client-kms'));
  const { arn } = await startFakeKms(t);
  const directory = await temporaryDirectory(t);
  const publicKey = tufKeyOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)!;
  const found = { publicKey, holder: { kind: 'kms', key: arn } } as const;
  await writeHeldKeyFile(heldKeyFile(join(directory, 'ci.json'), found, now));
  const { signers } = await openKeyring(directory, noPassphrase, {});
  assert.equal(loaded(), false);
  await assert.rejects(signers[0]!.sign(bytes), hasCode('KEY_INVALID'));
  assert.equal(loaded(), true);
});

test('kms: hosts accept its signatures; only kms:Sign is called', async (t) => {
  const kms = await startFakeKms(t);
  const { path, document } = await keyFor(t, kms.arn);
  assert.deepEqual(document.private, { kind: 'kms', key: kms.arn });
  assert.deepEqual(kms.asked.splice(0), ['GetPublicKey']);
  const { signers } = await openKeyring(join(path, '..'), noPassphrase, {});
  assert.equal(signers[0]!.keyId, document.keyid);
  await assertHostsAccept(t, signers[0]!);
  assert.deepEqual(new Set(kms.asked), new Set(['Sign']));
});

test('kms: an alias is resolved once; the file names the key permanently', async (t) => {
  const { arn } = await startFakeKms(t);
  const { document } = await keyFor(t, ALIAS);
  assert.deepEqual(document.private, { kind: 'kms', key: arn });
});

test('kms: signs documents of any size, because it signs the digest', async (t) => {
  const { arn } = await startFakeKms(t);
  await heldSigner(await keyFor(t, arn), access).sign(Buffer.alloc(100_000));
});

test('kms: the region in the ARN wins over the environment', async (t) => {
  const { arn } = await startFakeKms(t);
  process.env['AWS_REGION'] = 'us-east-1'; // the fake requires eu-central-1 in the credential scope
  await heldSigner(await keyFor(t, arn), access).sign(bytes);
});

/** Descriptions of keys that mm cannot use. */
const wrongKeys = {
  'another curve': { KeySpec: 'ECC_NIST_P384' },
  'a key to encrypt': { KeyUsage: 'ENCRYPT_DECRYPT' },
  'no key at all': { PublicKey: 'AAAA' },
  'a key id that is not an ARN': { KeyId: ALIAS },
};

for (const [name, described] of Object.entries(wrongKeys)) {
  test(`kms: ${name} is KEY_INVALID, and no file is made`, async (t) => {
    const kms = await startFakeKms(t);
    kms.describe(described);
    const path = join(await temporaryDirectory(t), 'ci.json');
    const made = newHeldKey({ kind: 'kms', path, now, key: kms.arn, ...access });
    await assert.rejects(made, hasCode('KEY_INVALID'));
    await assert.rejects(stat(path));
  });
}

/** Faults between making the key file and signing. */
const gone: Record<string, { code: string; spoil: (kms: FakeKms) => void; timeLimitMs?: number }> =
  {
    'another key': { code: 'KEY_INVALID', spoil: (kms) => kms.replaceKey() },
    'no answer': {
      code: 'KEY_LOCKED',
      spoil: (kms) => kms.answerWith('silence'),
      timeLimitMs: 300,
    },
    'no credentials': {
      code: 'KEY_LOCKED',
      spoil: () => {
        process.env['AWS_ACCESS_KEY_ID'] = 'STRANGER';
      },
    },
  };
for (const [answer, code] of Object.entries({
  NotFoundException: 'KEY_MISSING',
  AccessDeniedException: 'KEY_LOCKED',
  DisabledException: 'KEY_LOCKED',
  KMSInvalidStateException: 'KEY_LOCKED',
  InvalidKeyUsageException: 'KEY_INVALID',
  SomethingNewException: 'KEY_LOCKED',
  constructor: 'KEY_LOCKED',
})) {
  gone[answer] = { code, spoil: (kms) => kms.answerWith(answer) };
}

for (const [name, { code, spoil, timeLimitMs }] of Object.entries(gone)) {
  test(`kms: ${name} is ${code}`, async (t) => {
    const kms = await startFakeKms(t);
    const file = await keyFor(t, kms.arn);
    await heldSigner(file, access).sign(bytes);
    spoil(kms);
    const signer = heldSigner(file, { ...access, timeLimitMs });
    await assert.rejects(signer.sign(bytes), hasCode(code));
  });
}
