import { DISPOSITION, type ErrorCode } from '../shared/coded-error.ts';
import type { Trigger } from './core/decide.ts';
import type { PollResult, Prefetched } from './core/poll-result.ts';
import { backoffMs, type CronPosition, dueAfter } from './core/schedule.ts';
import type { Clock, Log } from './ports.ts';

/**
 * When the next poll and the next run are due. The daemon itself only keeps time and asks one conditional GET; a cycle
 * runs in a child of its own (`runCycle`), so that what it needs does not stay in memory.
 */
export interface World {
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  random(): number;
  settings(): LoopSettings;
  /** Where the expression stands now. */
  cron(expression: string): CronPosition;
  /** One conditional GET; says whether a cycle has something to do. */
  poll(stop: AbortSignal): Promise<PollResult>;
  /** Runs a cycle to its end and returns the error that its refresh ended with, if any. */
  runCycle(trigger: Trigger, prefetched: Prefetched | undefined): Promise<ErrorCode | undefined>;
}

export interface LoopSettings {
  readonly certname: string;
  /** Cron expressions. */
  readonly poll: string;
  readonly apply: string;
}

/** What signals ask for between two turns of the loop. */
export interface Wishes {
  readonly stop: AbortSignal;
  /** Aborts when something is asked for; a fresh one after each {@link Wishes.take}. */
  readonly wake: AbortSignal;
  /** Carries out a reload that was asked for; true when a run was asked for. */
  take(): Promise<boolean>;
}

/** A machine that slept is noticed within this. */
const LONGEST_SLEEP_MS = 60_000;

/** A clock that was set back by less is made up for by waiting. */
const CLOCK_SET_BACK_MS = 60_000;

/** Never throws for what happens in a turn: whatever keeps one cycle from its end, the next may reach it. */
export async function loop(world: World, wishes: Wishes): Promise<void> {
  const { clock } = world;
  // The first poll and run come at once: a fresh host wants its configuration now.
  let due: Due = { pollAt: 0, applyAt: 0, failures: 0 };
  let last = clock.now();
  while (!wishes.stop.aborted) {
    const now = clock.now();
    if (now < last - CLOCK_SET_BACK_MS) due = dueAfterSetBack(world, due, now);
    last = now;
    const trigger = dueTrigger(due, await wishes.take(), now);
    if (trigger !== undefined) {
      const failed = await safeTurn(world, trigger, wishes.stop);
      due = nextDue(world, due, trigger, failed);
      continue;
    }
    const waitMs = Math.min(due.pollAt, due.applyAt) - clock.now();
    await clock.sleep(Math.max(0, Math.min(waitMs, LONGEST_SLEEP_MS)), wishes.wake);
  }
}

interface Due {
  readonly pollAt: number;
  readonly applyAt: number;
  /** Polls in a row that failed in a way that trying again may cure. */
  readonly failures: number;
}

function dueTrigger(due: Due, asked: boolean, now: number): Trigger | undefined {
  if (asked) return 'asked';
  if (now >= due.applyAt) return 'apply';
  if (now >= due.pollAt) return 'poll';
  return undefined;
}

/** What was due by the old clock may lie years ahead by the new one. */
function dueAfterSetBack(world: World, due: Due, now: number): Due {
  const { certname, apply } = world.settings();
  world.log.warn('clock.set-back', { now: new Date(now).toISOString() });
  return { ...due, pollAt: now, applyAt: dueAfter(world.cron(apply), certname, now) };
}

async function safeTurn(
  world: World,
  trigger: Trigger,
  stop: AbortSignal,
): Promise<TurnFailure | undefined> {
  try {
    return await turn(world, trigger, stop);
  } catch (error) {
    world.log.error('turn.failed', { trigger, error: String(error) });
    return 'unexpected';
  }
}

/** `unexpected`: what has no code; to try again may cure it. */
type TurnFailure = ErrorCode | 'unexpected';

async function turn(
  world: World,
  trigger: Trigger,
  stop: AbortSignal,
): Promise<ErrorCode | undefined> {
  if (trigger !== 'poll') return await world.runCycle(trigger, undefined);
  const result = await world.poll(stop);
  switch (result.kind) {
    case 'idle':
      return undefined;
    case 'failed':
      return result.code;
    case 'cycle':
      world.log.debug('cycle.starting', { why: result.why });
      return await world.runCycle('poll', result.prefetched);
  }
}

/** Exported for its table of tests. Every turn polls, so each moves the next poll; only a run moves the next run. */
export function nextDue(
  world: Pick<World, 'clock' | 'random' | 'settings' | 'cron'>,
  due: Due,
  trigger: Trigger,
  failed: TurnFailure | undefined,
): Due {
  const now = world.clock.now();
  const { certname, poll, apply } = world.settings();
  const applyAt = trigger === 'poll' ? due.applyAt : dueAfter(world.cron(apply), certname, now);
  const failures = isRetryable(failed) ? due.failures + 1 : 0;
  const pollAt =
    failures === 0
      ? dueAfter(world.cron(poll), certname, now)
      : now + backoffMs(failures, world.random());
  return { pollAt, applyAt, failures };
}

function isRetryable(failed: TurnFailure | undefined): boolean {
  if (failed === undefined) return false;
  return failed === 'unexpected' || DISPOSITION[failed] === 'retry';
}
