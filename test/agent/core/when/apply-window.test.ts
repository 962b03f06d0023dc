import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ApplyWindow, windowAt } from '../../../../agent/core/when/apply-window.ts';
import { withEnvironment } from '../../../support/with-environment.ts';

const always: ApplyWindow = {
  days: [0, 1, 2, 3, 4, 5, 6],
  time: { from: 0, to: 1440 },
  zone: 'UTC',
  freeze: [],
};
const [MON_TO_FRI, NINE, FIVE] = [[1, 2, 3, 4, 5], 9 * 60, 17 * 60];
const office: ApplyWindow = { ...always, days: MON_TO_FRI, time: { from: NINE, to: FIVE } };
const night: ApplyWindow = { ...always, days: [5], time: { from: 22 * 60, to: 5 * 60 } };
/** On 2026-03-29 the clock goes from 02:00 to 03:00. */
const skipped = { ...always, days: [0], time: { from: 120, to: 180 }, zone: 'Europe/Berlin' };
const christmas = [{ from: '2026-12-24', to: '2026-12-27' }];

/** 2026-12-18 is a Friday. `opens`: undefined when it is open, null when it stays closed. */
const moments: Record<string, { window: ApplyWindow; at: string; opens?: string | null }> = {
  'office hours': { window: office, at: '2026-12-18T12:00:00Z' },
  'the first minute': { window: office, at: '2026-12-18T09:00:00Z' },
  'the last second': { window: office, at: '2026-12-18T16:59:59Z' },
  'the end is not part of it': {
    window: office,
    at: '2026-12-18T17:00:00Z',
    opens: '2026-12-21T09:00:00.000Z',
  },
  'early in the morning': {
    window: office,
    at: '2026-12-18T08:59:59Z',
    opens: '2026-12-18T09:00:00.000Z',
  },
  'the night of Friday': { window: night, at: '2026-12-18T23:00:00Z' },
  'the night of Friday, on Saturday': { window: night, at: '2026-12-19T04:59:00Z' },
  'the night before Friday': {
    window: night,
    at: '2026-12-18T04:59:00Z',
    opens: '2026-12-18T22:00:00.000Z',
  },
  'a freeze date': {
    window: { ...always, freeze: christmas },
    at: '2026-12-25T12:00:00Z',
    opens: '2026-12-28T00:00:00.000Z',
  },
  'a night that begins on a freeze date and ends after it': {
    window: { ...night, days: [0], freeze: christmas },
    at: '2026-12-27T23:00:00Z',
    opens: '2026-12-28T00:00:00.000Z',
  },
  'a freeze without an end': {
    window: { ...always, freeze: [{ from: '2026-01-01', to: '2099-12-31' }] },
    at: '2026-12-25T12:00:00Z',
    opens: null,
  },
  'another zone': {
    window: { ...office, zone: 'Asia/Tokyo' },
    at: '2026-12-18T12:00:00Z',
    opens: '2026-12-21T00:00:00.000Z',
  },
  'another zone: its date counts': {
    window: { ...always, zone: 'America/New_York', freeze: christmas },
    at: '2026-12-28T04:59:59Z',
    opens: '2026-12-28T05:00:00.000Z',
  },
  'the day before summer time begins': {
    window: { ...office, days: [0], zone: 'Europe/Berlin' },
    at: '2026-03-28T12:00:00Z',
    opens: '2026-03-29T07:00:00.000Z',
  },
  'a window that summer time leaves out, announced': {
    window: skipped,
    at: '2026-03-28T12:00:00Z',
    opens: '2026-03-29T01:00:00.000Z',
  },
  'a window that summer time leaves out, in the hour after it': {
    window: skipped,
    at: '2026-03-29T01:59:59Z',
  },
  'and at its end': {
    window: skipped,
    at: '2026-03-29T02:00:00Z',
    opens: '2026-04-05T00:00:00.000Z',
  },
  'and on a freeze date': {
    window: { ...skipped, freeze: [{ from: '2026-03-29', to: '2026-03-29' }] },
    at: '2026-03-29T01:30:00Z',
    opens: '2026-04-05T00:00:00.000Z',
  },
  'an hour that summer time leaves out': {
    window: { ...always, days: [0], time: { from: 150, to: 240 }, zone: 'Europe/Berlin' },
    at: '2026-03-28T12:00:00Z',
    opens: '2026-03-29T01:30:00.000Z',
  },
};
for (const [name, { window, at, opens }] of Object.entries(moments)) {
  test(`window: ${name}`, () => {
    const state = windowAt(window, Date.parse(at));
    assert.equal(state.isOpen ? undefined : state.opensAt, opens);
    assert.ok(state.isOpen || state.why.length > 0);
  });
}

test('window: without one it is open', () => {
  assert.ok(windowAt(undefined, 0).isOpen);
});

test('window: without a zone that of the host counts', async () => {
  const { zone: _, ...local } = office;
  const at = Date.parse('2026-12-18T12:00:00Z');
  const isOpenIn = async (zone: string) =>
    await withEnvironment({ TZ: zone }, async () => windowAt(local, at).isOpen);
  assert.equal(await isOpenIn('Asia/Tokyo'), false);
  assert.equal(await isOpenIn('UTC'), true);
});
