import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { publicKeyIdentity, readKey } from '../../../trust/workflow/key-identity.ts';
import { TufSimulator } from '../../support/tuf/simulator.ts';
import { SimulatedHost } from '../../support/tuf/simulator-host.ts';
import {
  aliasOf,
  newEcdsaKey,
  newKey,
  otherPointOf,
  pemAliasOf,
  type SimulatedKey,
} from '../../support/tuf/simulator-keys.ts';

test('row 22: equal keys are equal in every encoding', () => {
  const key = newKey();
  const upper = key.json.keyval.public.toUpperCase();
  const forms = [
    key.json,
    aliasOf(key).json,
    pemAliasOf(key).json,
    { ...key.json, keyval: { public: upper } },
    // The TUF library drops half a byte at the end.
    { ...key.json, keyval: { public: `${upper}a` } },
  ];
  assert.equal(new Set(forms.map(publicKeyIdentity)).size, 1);
  assert.notEqual(publicKeyIdentity(key.json), publicKeyIdentity(newKey().json));
});

test('row 22: P-256 and P-384 keys are equal as hex and as PEM', () => {
  for (const [namedCurve, bytes] of [
    ['prime256v1', 65],
    ['secp384r1', 97],
  ] as const) {
    const scheme = `ecdsa-sha2-nistp${bytes === 65 ? 256 : 384}`;
    const { publicKey } = generateKeyPairSync('ec', { namedCurve });
    const hex = publicKey.export({ type: 'spki', format: 'der' }).subarray(-bytes).toString('hex');
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const read = [hex, hex.toUpperCase(), pem].flatMap((text) =>
      ['ecdsa', scheme].map((keytype) =>
        publicKeyIdentity({ keytype, scheme, keyval: { public: text } }),
      ),
    );
    assert.equal(new Set(read).size, 1);
    assert.notEqual(read[0], undefined);
  }
});

for (const form of ['compressed', 'hybrid'] as const) {
  test(`row 22: a ${form} point is refused, in hex and in PEM`, () => {
    const { json } = otherPointOf(newEcdsaKey(), form);
    assert.equal(readKey(json).kind, 'ambiguous');
    assert.equal(publicKeyIdentity(json), undefined);
    const pem = pemOf(json.keyval.public);
    assert.equal(readKey({ ...json, keyval: { public: pem } }).kind, 'ambiguous');
  });

  test(`row 22: threshold 2 by one person with a ${form} point is refused`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    const key = newEcdsaKey();
    const twin = otherPointOf(key, form);
    requireTwo(repository, [key, twin]);
    await assert.rejects(host.refresh(), { code: 'METADATA_INVALID' });
    delete repository.targets.delegations!.keys[twin.keyId];
    requireTwo(repository, [key, newEcdsaKey()]);
    assert.equal(await host.stableVersion(), '1.1.0');
  });
}

test('row 22: an RSA key for PSS, which has two encodings, is refused', () => {
  const { publicKey } = generateKeyPairSync('rsa-pss', { modulusLength: 2048 });
  assert.equal(readKey(rsaJson(publicKey)).kind, 'ambiguous');
  const { publicKey: plain } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  assert.equal(readKey(rsaJson(plain)).kind, 'key');
});

test('a key that the TUF library cannot use is unusable, and never throws', () => {
  const { json } = newKey();
  const odd = [null, [], {}, 'key', { ...json, scheme: 1 }, { ...json, keytype: 'none' }];
  for (const key of [...odd, { ...json, keyval: {} }, { ...json, keyval: { public: 'zz' } }]) {
    assert.equal(readKey(key).kind, 'unusable');
  }
});

/** Both sign `stable`. */
function requireTwo(repository: TufSimulator, keys: readonly SimulatedKey[]): void {
  repository.delegate('stable', ...keys);
  repository.targets.delegations!.roles.find(({ name }) => name === 'env-stable')!.threshold = 2;
  repository.release('stable', '1.1.0');
  repository.commit(['targets', 'env-stable']);
}

function rsaJson(key: KeyObject): object {
  const pem = key.export({ type: 'spki', format: 'pem' }).toString();
  return { keytype: 'rsa', scheme: 'rsassa-pss-sha256', keyval: { public: pem } };
}

/** SubjectPublicKeyInfo with a P-256 point, unchanged. */
function pemOf(hex: string): string {
  const point = Buffer.from(hex, 'hex');
  const algorithm = Buffer.from('301306072a8648ce3d020106082a8648ce3d030107', 'hex');
  const bits = Buffer.concat([Buffer.from([3, point.length + 1, 0]), point]);
  const der = Buffer.concat([Buffer.from([0x30, algorithm.length + bits.length]), algorithm, bits]);
  const pem = `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;
  createPublicKey(pem); // OpenSSL takes it
  return pem;
}
