import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PollResult } from '../../agent/core/poll-result.ts';
import { slotMs } from '../../agent/core/schedule.ts';
import { type LoopPorts, loop } from '../../agent/loop.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fakeLog } from '../support/fake-log.ts';

const MINUTE = 60_000;
const CERTNAME = 'web1.example.com';
const every = (minutes: number, now: number) => {
  const intervalMs = minutes * MINUTE;
  const previous = Math.floor(now / intervalMs) * intervalMs;
  return { previous, next: previous + intervalMs, intervalMs };
};

const SETTINGS = {
  certname: CERTNAME,
  poll: '5',
  apply: '30',
  jitterMs: 0,
  waitForNetworkMs: MINUTE,
};

/** Runs the loop on a fake clock until `untilMs`, and returns what it did and when, in minutes. */
async function run(
  untilMs: number | ((now: number) => boolean),
  behave: {
    poll?: (now: number) => PollResult;
    cycle?: () => void;
    asked?: (now: number) => boolean;
    onSleep?: (clock: FakeClock) => void;
    apply?: string;
    isBootRunDue?: () => boolean;
    hasNetwork?: (now: number) => boolean;
    jitterMs?: number;
  } = {},
) {
  const stop = new AbortController();
  const did: string[] = [];
  const planned: { at: number; pollAt: number; applyAt: number }[] = [];
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
    settings: () => ({ ...SETTINGS, apply: behave.apply ?? '30', jitterMs: behave.jitterMs ?? 0 }),
    hasNetwork: () => behave.hasNetwork?.(clock.now()) ?? true,
    isBootRunDue: behave.isBootRunDue ?? (() => assert.fail('only asked with boot')),
    plannedBefore: undefined,
    cron: (minutes) => every(Number(minutes), clock.now()),
    poll: async () => {
      note('poll');
      return behave.poll?.(clock.now()) ?? { kind: 'idle' };
    },
    planned: ({ pollAt, applyAt }) => planned.push({ at: clock.now(), pollAt, applyAt }),
    runCycle: async (trigger, prefetched) => {
      note(`cycle:${trigger}${prefetched === undefined ? '' : ':prefetched'}`);
      behave.cycle?.();
      return {};
    },
  };
  await loop(ports, {
    stop: stop.signal,
    wake: stop.signal,
    handleRequests: async () => behave.asked?.(clock.now()) ?? false,
  });
  return { did, planned, sleeps: clock.sleeps, log };
}

const pollSlot = Math.floor(slotMs(CERTNAME, 5 * MINUTE) / MINUTE);
const applySlot = Math.floor(slotMs(CERTNAME, 30 * MINUTE) / MINUTE);

test('loop: runs at once, then polls and runs in its slots', async () => {
  const { did, sleeps } = await run(60 * MINUTE);
  assert.equal(did[0], 'cycle:start@0');
  const polls = did.filter((entry) => entry.startsWith('poll')).map((e) => Number(e.split('@')[1]));
  assert.ok(polls.length >= 9 && polls.length <= 12, did.join(' '));
  for (const minute of polls) assert.equal(minute % 5, pollSlot);
  const runs = did.filter((entry) => entry.startsWith('cycle')).slice(1);
  for (const entry of runs) assert.equal(Number(entry.split('@')[1]) % 30, applySlot);
  assert.ok(Math.max(...sleeps) <= MINUTE, 'a machine that slept is noticed within a minute');
});

test('loop: after each turn it says when the next ones are due', async () => {
  const { did, planned } = await run(60 * MINUTE);
  assert.equal(planned.length, did.length);
  assert.ok(planned.every(({ at, pollAt, applyAt }) => pollAt > at && applyAt > at));
  const never = await run(MINUTE, { apply: 'never' });
  assert.equal(never.planned[0]?.applyAt, Number.POSITIVE_INFINITY);
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

/** In minutes: when the network is there, and when the first run begins. */
const networks: Record<string, { thereAt: number; asked?: boolean; first: string }> = {
  'is there': { thereAt: 0, first: 'cycle:start@0' },
  'comes after 30 seconds': { thereAt: 0.5, first: 'cycle:start@0' },
  'does not come: it goes on without one': { thereAt: 100, first: 'cycle:start@1' },
  'does not come, and a person asks': { thereAt: 100, asked: true, first: 'cycle:asked@0' },
};
for (const [name, { thereAt, asked = false, first }] of Object.entries(networks)) {
  test(`loop: after the start the network ${name}`, async () => {
    let isAsked = asked;
    const { did, sleeps, log } = await run(3 * MINUTE, {
      hasNetwork: (now) => now >= thereAt * MINUTE,
      asked: () => {
        const was = isAsked;
        isAsked = false;
        return was;
      },
    });
    assert.equal(did[0], first);
    const waited = sleeps.filter((ms) => ms === 2000).length * 2000;
    assert.equal(waited, asked ? 0 : Math.min(thereAt, 1) * MINUTE);
    assert.equal(
      log.lines.some(({ event }) => event === 'network.missing'),
      thereAt > 1 && !asked,
    );
  });
}

test('loop: after a sleep it waits for the network, then catches up once, and says so', async () => {
  let wokeAt: number | undefined;
  const { did, log } = await run(10 * 60 * MINUTE, {
    onSleep: (clock) => {
      if (wokeAt !== undefined || clock.now() < 60 * MINUTE) return;
      clock.advance(7 * 60 * MINUTE);
      wokeAt = clock.now();
    },
    hasNetwork: (now) => wokeAt === undefined || now >= wokeAt + 40_000,
  });
  const firstMinutes = did.filter((entry) => /@48[012]$/.test(entry));
  assert.match(firstMinutes[0] ?? '', /^cycle:apply@48[01]$/);
  assert.equal(firstMinutes.filter((entry) => entry.startsWith('cycle')).length, 1);
  const [jump] = log.lines.filter(({ event }) => event === 'clock.jumped');
  assert.ok(Number(jump?.fields['seconds']) >= 7 * 3600);
});

test('loop: a clock that is set back while the network is missing does not delay the first run', async () => {
  const day = 24 * 60 * MINUTE;
  let isBack = false;
  const { did } = await run((now) => isBack && now > -day + 2 * MINUTE, {
    hasNetwork: () => isBack,
    onSleep: (clock) => {
      if (!isBack) clock.advance(-day);
      isBack = true;
    },
  });
  assert.match(did[0] ?? '', /^cycle:start@/);
});

test('loop: with jitter a cycle reads again what the poll has read before the delay', async () => {
  const read = { bytes: Buffer.from('{}'), etag: undefined, serverDate: undefined };
  const poll = () => ({ kind: 'cycle' as const, why: 'newer metadata', prefetched: read });
  const cycles = async (jitterMs: number) => {
    const { did } = await run(MINUTE, { apply: 'never', jitterMs, poll });
    return did.filter((entry) => entry.startsWith('cycle'));
  };
  assert.deepEqual(await cycles(0), ['cycle:poll:prefetched@0']);
  assert.deepEqual(await cycles(1000), ['cycle:poll@0']);
});

test('loop: with jitter a run of the daemon is delayed, and a requested one begins at once', async () => {
  const { did, sleeps } = await run(2 * MINUTE, { jitterMs: 90_000 });
  assert.equal(did[0], 'cycle:start@0');
  assert.equal(sleeps[0], 45_000);
  let isAsked = true;
  const asked = await run(MINUTE, {
    jitterMs: 90_000,
    asked: () => {
      const was = isAsked;
      isAsked = false;
      return was;
    },
  });
  assert.equal(asked.did[0], 'cycle:asked@0');
  assert.ok(!asked.sleeps.includes(45_000));
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

/** `ran`: the boot run was made before this daemon started, or its cycle makes it. */
const schedules: Record<string, { apply: string; ran?: boolean; makes?: boolean; cycles: number }> =
  {
    'never: only polls': { apply: 'never', cycles: 0 },
    'boot: one run after the boot': { apply: 'boot', makes: true, cycles: 1 },
    'boot: a daemon that is restarted later does not run': { apply: 'boot', ran: true, cycles: 0 },
    'boot: a run that was not made is tried at each poll': { apply: 'boot', cycles: 7 },
  };
for (const [name, { apply, ran = false, makes = false, cycles }] of Object.entries(schedules)) {
  test(`loop: schedule.apply ${name}`, async () => {
    let isDue = !ran;
    const { did } = await run(30 * MINUTE, {
      apply,
      isBootRunDue: () => isDue,
      cycle: () => {
        isDue &&= !makes;
      },
    });
    assert.equal(did.filter((entry) => /^cycle:(start|apply)/.test(entry)).length, cycles);
    const polls = did.filter((entry) => entry.startsWith('poll')).length;
    assert.ok(polls + cycles >= 7, did.join(' '));
  });
}
