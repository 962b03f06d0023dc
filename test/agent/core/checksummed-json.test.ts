import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toChecksummedJson, verifiedValue } from '../../../agent/core/checksummed-json.ts';

const VALUE = { a: [1, { b: 'ü' }], c: null, d: 'x' };
const written = JSON.parse(toChecksummedJson(VALUE, 'key')) as object;

test('checksummed JSON: the value comes back without its checksum', () => {
  assert.deepEqual(verifiedValue(written, 'key'), VALUE);
  assert.deepEqual(verifiedValue(JSON.parse(JSON.stringify(written, null, 2)), 'key'), VALUE);
});

for (const [name, value] of Object.entries({
  'a value that was edited': { ...written, d: 'y' },
  'a value with a key added': { ...written, e: 1 },
  'another checksum': { ...written, checksum: '0'.repeat(64) },
  'no checksum': VALUE,
  'a list': [written],
  'a string': 'written',
  null: null,
})) {
  test(`checksummed JSON: ${name} is refused`, () => {
    assert.equal(verifiedValue(value, 'key'), undefined);
  });
}

test('checksummed JSON: a value for another key is refused', () => {
  assert.equal(verifiedValue(written, 'key2'), undefined);
});
