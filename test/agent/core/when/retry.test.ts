import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  dueRetry,
  type Retry,
  retryAfterRun,
  retryTime,
} from '../../../../agent/core/when/retry.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const [A, B] = ['a'.repeat(64), 'b'.repeat(64)];
const rules = { after: { seconds: 600 }, times: 3 };
const NOW = Date.parse('2026-11-29T12:00:00.000Z');
const at = (ms: number) => new Date(NOW + ms).toISOString();
const retry = (failed: number, ms: number | null): Retry => ({
  release: A,
  failed,
  of: 3,
  at: ms === null ? null : at(ms),
});

const ends: Record<
  string,
  { last: Retry | null; release?: string; isGood?: boolean; times?: number; want: Retry | null }
> = {
  'a good run': { last: null, isGood: true, want: null },
  'a good run after failures': { last: retry(2, 0), isGood: true, want: null },
  'the first failure': { last: null, want: retry(1, 10 * MINUTE) },
  'the second: the pause doubles': { last: retry(1, 0), want: retry(2, 20 * MINUTE) },
  'the last try is to come': { last: retry(2, 0), want: retry(3, 40 * MINUTE) },
  'all tries have failed': { last: retry(3, 0), want: retry(4, null) },
  'and the schedule fails, too': { last: retry(4, null), want: retry(4, null) },
  'another release': {
    last: retry(4, null),
    release: B,
    want: { ...retry(1, 10 * MINUTE), release: B },
  },
  'no tries': { last: retry(2, 0), times: 0, want: null },
  'fewer tries than before': { last: retry(3, 0), times: 1, want: { ...retry(2, null), of: 1 } },
  'a pause is at most a day': {
    last: { ...retry(60, 0), of: 100 },
    times: 100,
    want: { ...retry(61, 24 * HOUR), of: 100 },
  },
};
for (const [name, { last, release = A, isGood = false, times = 3, want }] of Object.entries(ends)) {
  test(`retry: ${name}`, () => {
    assert.deepEqual(retryAfterRun(last, { release, isGood, now: NOW }, { ...rules, times }), want);
  });
}

/** `wakes`: in how many ms the daemon polls for it. */
const moments: Record<
  string,
  { retry: Retry | null; active?: string; due: boolean; wakes?: number }
> = {
  'nothing failed': { retry: null, due: false },
  'not yet': { retry: retry(1, MINUTE), due: false, wakes: MINUTE },
  now: { retry: retry(1, 0), due: true },
  'an hour late': { retry: retry(1, -HOUR), due: true },
  'of another release': { retry: retry(1, 0), active: B, due: false },
  'all tries have failed': { retry: retry(4, null), due: false },
  'the clock was set back by a year': { retry: retry(1, 365 * 24 * HOUR), due: true },
};
for (const [name, { retry, active = A, due, wakes }] of Object.entries(moments)) {
  test(`retry: is it due? ${name}`, () => {
    assert.equal(dueRetry(retry, active, NOW) !== undefined, due);
    assert.equal(retryTime(retry, NOW), wakes === undefined ? undefined : NOW + wakes);
  });
}

test('retry: the reason has the number of the try', () => {
  assert.match(dueRetry(retry(2, 0), A, NOW) ?? '', /try 2 of 3/);
});
