import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PollResult } from '../../agent/core/poll-result.ts';
import { slotMs } from '../../agent/core/schedule.ts';
import { type LoopPorts, loop, nextDue } from '../../agent/loop.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';

const MINUTE = 60_000;
const CERTNAME = 'web1.example.com';
const every = (minutes: number, now: number) => {
  const intervalMs = minutes * MINUTE;
  const previous = Math.floor(now / intervalMs) * intervalMs;
  return { previous, next: previous + intervalMs, intervalMs };
};

/** Runs the loop on a fake clock until `untilMs`, and returns what it did and when, in minutes. */
async function run(
  untilMs: number | ((now: number) => boolean),
  behave: {
    poll?: (now: number) => PollResult;
    cycle?: () => never;
    asked?: (now: number) => boolean;
    onSleep?: (clock: FakeClock) => void;
  } = {},
) {
  const stop = new AbortController();
  const did: string[] = [];
  const log = fakeLog();
  const clock: FakeClock = new FakeClock(0, () => {
    behave.onSleep?.(clock);
    const now = clock.now();
    if (typeof untilMs === 'number' ? now >= untilMs : untilMs(now)) stop.abort();
  });
  const note = (what: string) => did.push(`${what}@${Math.floor(clock.now() / MINUTE)}`);
  const ports: LoopPorts = {
    clock,
    log,
    random: () => 0.5,
    settings: () => ({ certname: CERTNAME, poll: '5', apply: '30' }),
    cron: (minutes) => every(Number(minutes), clock.now()),
    poll: async () => {
      note('poll');
      return behave.poll?.(clock.now()) ?? { kind: 'idle' };
    },
    runCycle: async (trigger) => {
      note(`cycle:${trigger}`);
      return behave.cycle?.();
    },
  };
  await loop(ports, {
    stop: stop.signal,
    wake: stop.signal,
    handleRequests: async () => behave.asked?.(clock.now()) ?? false,
  });
  return { did, sleeps: clock.sleeps, log };
}

const pollSlot = Math.floor(slotMs(CERTNAME, 5 * MINUTE) / MINUTE);
const applySlot = Math.floor(slotMs(CERTNAME, 30 * MINUTE) / MINUTE);

test('loop: runs at once, then polls and runs in its slots', async () => {
  const { did, sleeps } = await run(60 * MINUTE);
  assert.equal(did[0], 'cycle:apply@0');
  const polls = did.filter((entry) => entry.startsWith('poll')).map((e) => Number(e.split('@')[1]));
  assert.ok(polls.length >= 9 && polls.length <= 12, did.join(' '));
  for (const minute of polls) assert.equal(minute % 5, pollSlot);
  const runs = did.filter((entry) => entry.startsWith('cycle')).slice(1);
  for (const entry of runs) assert.equal(Number(entry.split('@')[1]) % 30, applySlot);
  assert.ok(Math.max(...sleeps) <= MINUTE, 'a machine that slept is noticed within a minute');
});

test('loop: a machine that slept for hours catches up once', async () => {
  let slept = false;
  const { did } = await run(9 * 60 * MINUTE, {
    onSleep: (clock) => {
      if (slept || clock.now() < 60 * MINUTE) return;
      slept = true;
      clock.advance(7 * 60 * MINUTE);
    },
  });
  const afterWake = did.filter((entry) => {
    const minute = Number(entry.split('@')[1]);
    return minute >= 480 && minute < 482;
  });
  assert.deepEqual(
    afterWake.filter((entry) => entry.startsWith('cycle')),
    ['cycle:apply@480'],
  );
});

test('loop: a clock that was set back by a day does not stop polls and runs', async () => {
  const day = 24 * 60 * MINUTE;
  let sinceStep: number | undefined;
  const { did } = await run((now) => sinceStep !== undefined && now >= sinceStep + 40 * MINUTE, {
    onSleep: (clock) => {
      if (sinceStep !== undefined || clock.now() < 60 * MINUTE) return;
      clock.advance(-day);
      sinceStep = clock.now();
    },
  });
  const minuteOf = (entry: string) => Number(entry.split('@')[1]);
  const after = did.filter((entry) => minuteOf(entry) < 0);
  assert.equal(after[0], `poll@${Math.floor(sinceStep! / MINUTE)}`, 'at once');
  assert.ok(after.filter((entry) => entry.startsWith('poll')).length >= 6, after.join(' '));
  const runs = after.filter((entry) => entry.startsWith('cycle:apply')).map(minuteOf);
  assert.ok(runs.length >= 1, after.join(' '));
  for (const minute of runs) assert.equal((minute + 24 * 60) % 30, applySlot);
});

const unexpected: Record<string, Parameters<typeof run>[1]> = {
  'a poll that throws': {
    poll: () => {
      throw new Error('EROFS');
    },
  },
  'a cycle that cannot be started': {
    cycle: () => {
      throw new Error('spawn EAGAIN');
    },
  },
};
for (const [name, behave] of Object.entries(unexpected)) {
  test(`loop: ${name} does not end it, and it backs off`, async () => {
    const { did, sleeps, log } = await run(60 * MINUTE, behave);
    assert.ok(did.length >= 3, did.join(' '));
    assert.ok(log.lines.some(({ event, level }) => event === 'turn.failed' && level === 'error'));
    assert.ok(sleeps.includes(30_000), 'the first pause after a failure');
  });
}

test('loop: a poll that finds something starts a cycle with it', async () => {
  const { did } = await run(12 * MINUTE, {
    poll: () => ({ kind: 'cycle', why: 'newer metadata' }),
  });
  assert.ok(did.includes(`cycle:poll@${did.find((e) => e.startsWith('poll'))?.split('@')[1]}`));
});

test('loop: on request, it runs at once', async () => {
  let asked = true;
  const { did } = await run(3 * MINUTE, {
    asked: (now) => {
      const was = asked && now >= MINUTE;
      if (was) asked = false;
      return was;
    },
  });
  assert.ok(did.includes('cycle:asked@1'), did.join(' '));
});

const ports = {
  clock: { now: () => 0, sleep: async () => undefined },
  random: () => 0.5,
  settings: () => ({ certname: CERTNAME, poll: '5', apply: '30' }),
  cron: (minutes: string) => every(Number(minutes), 0),
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

test('due: a poll does not move the next run, a run moves both', () => {
  assert.equal(nextDue(ports, due, 'poll', undefined).applyAt, 7);
  const moved = nextDue(ports, due, 'apply', undefined);
  assert.equal(moved.applyAt, slotMs(CERTNAME, 30 * MINUTE));
  assert.equal(moved.pollAt, slotMs(CERTNAME, 5 * MINUTE));
});
