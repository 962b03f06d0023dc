import assert from 'node:assert/strict';
import { test } from 'node:test';
import { paceFor } from '../../bench/load.ts';
import { Turnstile } from '../../bench/load-agents.ts';

const paces = {
  'a fast machine: the shortest interval, all of them whole': {
    times: { wholeMs: 4, askingMs: 1 },
    want: { intervalMs: 50_000, whole: 5000 },
  },
  'a slower one: as long as it takes': {
    times: { wholeMs: 9, askingMs: 1 },
    want: { intervalMs: 75_000, whole: 5000 },
  },
  'too slow for all: the longest interval, and as many as have room': {
    times: { wholeMs: 25, askingMs: 5 },
    want: { intervalMs: 95_000, whole: 1600 },
  },
  'far too slow: one, to have it seen': {
    times: { wholeMs: 200, askingMs: 50 },
    want: { intervalMs: 95_000, whole: 1 },
  },
};
for (const [name, { times, want }] of Object.entries(paces)) {
  test(`load: ${name}`, () => assert.deepEqual(paceFor(times), want));
}

test('load: the turnstile admits a fixed number at a time, in order, and continues after a failure', async () => {
  const turnstile = new Turnstile(2);
  const begun: number[] = [];
  let inside = 0;
  const ends = await Promise.allSettled(
    [0, 1, 2, 3, 4].map((number) =>
      turnstile.through(async () => {
        begun.push(number);
        inside += 1;
        assert.ok(inside <= 2);
        await Promise.resolve();
        inside -= 1;
        if (number === 1) throw new Error('no');
      }),
    ),
  );
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
  assert.deepEqual(
    ends.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
});
