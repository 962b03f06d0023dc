import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { firstProblem, isJsonObject, jsonObject, parseJson } from '../../shared/json.ts';

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

test('text or bytes that are not JSON are undefined', () => {
  assert.deepEqual(parseJson('{"a":[1]}'), { a: [1] });
  assert.deepEqual(parseJson(Buffer.from('null')), null);
  for (const text of ['', '{"a":', '{} {}', undefined]) assert.equal(parseJson(text), undefined);
});

test('what a schema found wrong first has its place, or is about the whole document', () => {
  const schema = z.object({ run: z.object({ status: z.string() }) });
  const wrong = {
    'the document: expected object, received null': null,
    'run: expected object, received undefined': {},
    'run.status: expected string, received number': { run: { status: 1 } },
  };
  for (const [want, value] of Object.entries(wrong)) {
    const { error } = schema.safeParse(value);
    assert.equal(error && firstProblem(error), want);
  }
});
