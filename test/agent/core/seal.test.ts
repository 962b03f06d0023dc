import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seal, unseal } from '../../../agent/core/seal.ts';

const VALUE = { a: [1, { b: 'ü' }], c: null, d: 'x' };
const sealed = JSON.parse(seal(VALUE, 'key')) as object;

test('seal: what was sealed comes back, without the seal', () => {
  assert.deepEqual(unseal(sealed, 'key'), VALUE);
  assert.deepEqual(unseal(JSON.parse(JSON.stringify(sealed, null, 2)), 'key'), VALUE);
});

for (const [name, value] of Object.entries({
  'a value that was edited': { ...sealed, d: 'y' },
  'a value with something added': { ...sealed, e: 1 },
  'another seal': { ...sealed, seal: '0'.repeat(64) },
  'no seal': VALUE,
  'a list': [sealed],
  'no object': 'sealed',
  nothing: null,
})) {
  test(`seal: ${name} is not taken`, () => {
    assert.equal(unseal(value, 'key'), undefined);
  });
}

test('seal: another key does not open it', () => {
  assert.equal(unseal(sealed, 'key2'), undefined);
});
