import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { test } from 'node:test';
import { Key, Metadata } from '@tufjs/models';
import {
  type KeyJson,
  newKey,
  type SimulatedKey,
  signDocument,
} from '../../support/tuf/simulator-keys.ts';
import '../../../trust/workflow/known-signatures.ts';

const SIGNED = {
  ...{ _type: 'timestamp', spec_version: '1.0.31', version: 1, expires: '2030-01-01T00:00:00Z' },
  meta: { 'snapshot.json': { version: 1 } },
};

interface Json {
  readonly signed: Readonly<Record<string, unknown>>;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

function signedBy(by: SimulatedKey, version = 1): Json {
  return JSON.parse(String(signDocument({ ...SIGNED, version }, [by]))) as Json;
}

/** Verifies as the library does. */
function verify({ keyId, json }: Pick<SimulatedKey, 'keyId' | 'json'>, document: Json): void {
  const read = Metadata.fromJSON('timestamp' as never, structuredClone(document) as never);
  Key.fromJSON(keyId, { ...json } as never).verifySignature(read as never);
}

test('known signatures: each is computed once, as long as there are not too many', (t) => {
  const { mock } = t.mock.method(crypto, 'verify');
  const [one, two] = [newKey(), newKey()];
  const first = signedBy(one);
  verify(one, first);
  verify(one, first);
  verify(two, signedBy(two));
  assert.equal(mock.callCount(), 2);
  for (let version = 2; version <= 500; version += 1) verify(one, signedBy(one, version));
  verify(one, first);
  assert.equal(mock.callCount(), 2 + 499 + 1);
});

const otherDigit = (digit: string) => (digit === '0' ? '1' : '0');
const key = newKey();
const other = newKey();
const right = signedBy(key);
const [signature = { keyid: '', sig: '' }] = right.signatures;
const FORGED: Readonly<Record<string, { document?: Json; json?: KeyJson }>> = {
  'other content': { document: { ...right, signed: { ...right.signed, version: 2 } } },
  'another signature': {
    document: {
      ...right,
      signatures: [{ ...signature, sig: signature.sig.replace(/^./, otherDigit) }],
    },
  },
  'no signature': { document: { ...right, signatures: [] } },
  'another key under the same id': { json: other.json },
  'another scheme': { json: { ...key.json, keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256' } },
};

for (const [what, { document = right, json = key.json }] of Object.entries(FORGED)) {
  test(`known signatures: ${what} is refused each time, also after the right one`, () => {
    verify(key, right);
    for (const _ of [1, 2]) {
      assert.throws(() => verify({ keyId: key.keyId, json }, document), /signature|key/i);
    }
  });
}
