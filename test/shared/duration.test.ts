import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { Duration, duration } from '../../shared/duration.ts';

const good = {
  '1s': 1,
  '10s': 10,
  '30m': 1800,
  '1h': 3600,
  '2d': 172_800,
  '90': 90,
  '007s': 7,
  '999999999s': 999_999_999,
} satisfies Record<string, number>;

for (const [text, seconds] of Object.entries(good)) {
  test(`duration: ${text} is ${seconds} s`, () =>
    assert.deepEqual(Duration.parse(text), { seconds }));
}

test('duration: a plain number is seconds', () =>
  assert.deepEqual(Duration.parse(90), { seconds: 90 }));

const words = ['', 's', 'h1', '1 h', '1H', '1w', '1.5h', '-1s', '+1s', '0s', '0', '1h30m', '1s\n'];
const others = [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60, null, true, {}];

// A date cannot be a million years away.
for (const value of [...words, '9999999999s', '36501d', '999999999d', '٣s', ...others]) {
  test(`duration: ${JSON.stringify(value)} (${typeof value}) is not a duration`, () =>
    assert.equal(Duration.safeParse(value).success, false));
}

const ranges = {
  'the least is allowed': { value: '1m', ok: true },
  'below the least is not': { value: '59s', ok: false },
  'the most is allowed': { value: '1h', ok: true },
  'above the most is not': { value: 3601, ok: false },
} satisfies Record<string, { value: string | number; ok: boolean }>;

for (const [name, { value, ok }] of Object.entries(ranges)) {
  test(`duration with a range: ${name}`, () =>
    assert.equal(duration({ min: '1m', max: '1h' }).safeParse(value).success, ok));
}

test('duration: the default is written as in a configuration file', () => {
  const schema = z.strictObject({ every: Duration.prefault('10m') });
  assert.deepEqual(schema.parse({}), { every: { seconds: 600 } });
});
