import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonObject, jsonObject } from '../../shared/json.ts';

for (const value of [null, [], [{}], 'text', 1, true, undefined]) {
  test(`${JSON.stringify(value)} is not a JSON object`, () => {
    assert.equal(isJsonObject(value), false);
    assert.deepEqual(jsonObject(value), {});
  });
}

test('a JSON object is returned as it is', () => {
  const value = { a: 1 };
  assert.equal(isJsonObject(value), true);
  assert.equal(jsonObject(value), value);
});
