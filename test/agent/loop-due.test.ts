import assert from 'node:assert/strict';
import { test } from 'node:test';
import { slotMs } from '../../agent/core/schedule.ts';
import { firstDue, nextDue } from '../../agent/loop.ts';

const MINUTE = 60_000;
const CERTNAME = 'web1.example.com';

const ports = {
  clock: { now: () => 0, sleep: async () => undefined },
  random: () => 0.5,
  settings: () => ({
    certname: CERTNAME,
    poll: '5',
    apply: '30',
    jitterMs: 0,
    waitForNetworkMs: MINUTE,
  }),
  cron(minutes: string) {
    const intervalMs = Number(minutes) * MINUTE;
    return { previous: 0, next: intervalMs, intervalMs };
  },
  isBootRunDue: () => false,
};
const due = { pollAt: 0, applyAt: 7, failures: 0 };

test('due: a transient error backs off, a permanent one keeps the interval', () => {
  const first = nextDue(ports, due, 'poll', 'S3_UNREACHABLE');
  assert.deepEqual(first, { pollAt: 30_000, applyAt: 7, failures: 1 });
  const second = nextDue(ports, first, 'poll', 'S3_UNREACHABLE');
  assert.deepEqual(second, { pollAt: 60_000, applyAt: 7, failures: 2 });
  const bad = nextDue(ports, due, 'poll', 'METADATA_UNSIGNED');
  assert.deepEqual(bad, { pollAt: slotMs(CERTNAME, 5 * MINUTE), applyAt: 7, failures: 0 });
});

const tries: Record<
  string,
  { runAt: number | undefined; failed?: 'S3_UNREACHABLE'; pollAt: number }
> = {
  'a failed run is due before the next poll': { runAt: 20_000, pollAt: 20_000 },
  'a failed run is due after the next poll': {
    runAt: 60 * MINUTE,
    pollAt: slotMs(CERTNAME, 5 * MINUTE),
  },
  'a run that stays due does not poll without a pause': { runAt: 0, pollAt: 1000 },
  'a failed run is due before the end of a pause': {
    runAt: 20_000,
    failed: 'S3_UNREACHABLE',
    pollAt: 20_000,
  },
};
for (const [name, { runAt, failed, pollAt }] of Object.entries(tries)) {
  test(`due: ${name}`, () => {
    assert.equal(nextDue(ports, due, 'poll', failed, { runAt }).pollAt, pollAt);
  });
}

test('due: the Retry-After of the server is the shortest pause, also for a run that is due', () => {
  const end = { retryAfterMs: 600_000, runAt: 20_000 };
  assert.equal(nextDue(ports, due, 'poll', 'S3_SLOW_DOWN', end).pollAt, 630_000);
});

test('due: a poll does not move the next run, a run moves both', () => {
  assert.equal(nextDue(ports, due, 'poll', undefined).applyAt, 7);
  const moved = nextDue(ports, due, 'apply', undefined);
  assert.equal(moved.applyAt, slotMs(CERTNAME, 30 * MINUTE));
  assert.equal(moved.pollAt, slotMs(CERTNAME, 5 * MINUTE));
});

const SLOT = slotMs(CERTNAME, 30 * MINUTE);
const starts: Record<string, { plannedBefore?: number; apply?: string; applyAt: number }> = {
  'the first run starts at once': { applyAt: Number.NEGATIVE_INFINITY },
  'an upgrade adds no run': { plannedBefore: 60_000, applyAt: 60_000 },
  'a run that is overdue after an upgrade': { plannedBefore: -60_000, applyAt: -60_000 },
  'the configuration has a shorter schedule since an upgrade': {
    plannedBefore: 9000 * MINUTE,
    applyAt: SLOT,
  },
  'the configuration has no schedule since an upgrade': {
    plannedBefore: 60_000,
    apply: 'never',
    applyAt: Number.POSITIVE_INFINITY,
  },
};
for (const [name, { plannedBefore, apply = '30', applyAt }] of Object.entries(starts)) {
  test(`due: ${name}`, () => {
    const settings = () => ({ ...ports.settings(), apply });
    const first = firstDue({ ...ports, settings, plannedBefore });
    assert.deepEqual(first, { pollAt: Number.NEGATIVE_INFINITY, applyAt, failures: 0 });
  });
}
