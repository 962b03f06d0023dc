import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { guardClock, guardedNow } from '../../../trust/metadata/clock.ts';

const DAY_MS = 86_400_000;

test('the guarded clock is the later of host and S3', () => {
  assert.equal(guardedNow(5, undefined), 5);
  assert.equal(guardedNow(5, 7), 7);
  assert.equal(guardedNow(9, 7), 9);
});

const NOW = Date.UTC(2040, 0, 1);
const YEAR_9999 = Date.UTC(9999, 0, 1);
const HOUR_MS = 3_600_000;
const rows = {
  'no header': { local: NOW, floor: 0, serverDate: undefined, want: [NOW, NOW, 0] },
  'a host that is behind by an hour': {
    local: NOW - HOUR_MS,
    floor: 0,
    serverDate: NOW,
    want: [NOW, NOW, NOW],
  },
  'a host that is behind by 60 days': {
    local: NOW - 60 * DAY_MS,
    floor: 0,
    serverDate: NOW,
    want: [NOW, NOW - 59 * DAY_MS, NOW - 59 * DAY_MS],
  },
  'a host whose clock was set back': {
    local: NOW - 60 * DAY_MS,
    floor: NOW,
    serverDate: undefined,
    want: [NOW, NOW, NOW],
  },
  'the year 9999': {
    local: NOW,
    floor: NOW - HOUR_MS,
    serverDate: YEAR_9999,
    want: [YEAR_9999, NOW + DAY_MS, NOW + DAY_MS],
  },
  'a header from 1970': {
    local: NOW,
    floor: NOW - HOUR_MS,
    serverDate: 0,
    want: [NOW, NOW, NOW - HOUR_MS],
  },
};
for (const [name, { want, ...given }] of Object.entries(rows)) {
  test(`row 9: the clock with ${name}`, () => {
    const { now, certain, floor } = guardClock(given);
    assert.deepEqual([now, certain, floor], want);
  });
}

test('row 9: no sequence of answers raises the floor beyond a day ahead of the host', () => {
  const any = fc.array(fc.record({ step: fc.nat(DAY_MS), date: fc.maxSafeInteger() }));
  fc.assert(
    fc.property(any, (answers) => {
      let [local, floor] = [NOW, 0];
      for (const { step, date } of answers) {
        local += step;
        ({ floor } = guardClock({ local, floor, serverDate: date }));
        assert.ok(floor <= local + DAY_MS);
      }
    }),
  );
});
