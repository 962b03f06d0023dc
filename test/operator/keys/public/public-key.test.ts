import assert from 'node:assert/strict';
import { createPublicKey, ECDH, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { test } from 'node:test';
import { keyObjectOf, tufKeyOf } from '../../../../operator/keys/public/public-key.ts';
import { keyIdOf } from '../../../../operator/keys/public/signer.ts';

/** SubjectPublicKeyInfo of P-256, up to the point. */
const PREFIX = '301306072a8648ce3d020106082a8648ce3d030107';

/** The PEM of the same key, as `openssl ec -conv_form` writes it. */
function pemWith(key: KeyObject, form: 'compressed' | 'hybrid'): string {
  const point = key.export({ type: 'spki', format: 'der' }).subarray(-65);
  const converted = Buffer.from(
    ECDH.convertKey(point, 'prime256v1', undefined, undefined, form) as Buffer,
  );
  const bits = Buffer.concat([Buffer.from([3, converted.length + 1, 0]), converted]);
  const inner = Buffer.concat([Buffer.from(PREFIX, 'hex'), bits]);
  const der = Buffer.concat([Buffer.from([0x30, inner.length]), inner]).toString('base64');
  return `-----BEGIN PUBLIC KEY-----\n${der}\n-----END PUBLIC KEY-----\n`;
}

for (const form of ['compressed', 'hybrid'] as const) {
  test(`row 22: a PEM with a ${form} point is the same key with the same id, and hosts accept it`, () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const pem = pemWith(publicKey, form);
    const [given, plain] = [tufKeyOf(createPublicKey(pem)), tufKeyOf(publicKey)];
    assert.ok(given !== undefined && plain !== undefined);
    assert.deepEqual(given, plain);
    assert.equal(keyIdOf(given), keyIdOf(plain));
    assert.ok(keyObjectOf(given)?.equals(publicKey));
    // As a key of the metadata, such a PEM is refused.
    assert.equal(keyObjectOf({ ...given, keyval: { public: pem } }), undefined);
  });
}
