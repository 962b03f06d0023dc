import { DISPOSITION, type ErrorCode } from '../shared/coded-error.ts';
import type { Trigger } from './core/decide.ts';
import type { PollResult, Prefetched } from './core/poll-result.ts';
import { backoffMs, type CronPosition, dueAfter } from './core/schedule.ts';
import type { Clock, Log } from './ports.ts';

/**
 * Decides when the next poll and the next run are due, and starts them. The daemon itself only
 * keeps time and sends one conditional GET per poll; a cycle runs in a child process (`runCycle`),
 * so that the memory it needs is free afterwards.
 */
export interface LoopPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  random(): number;
  settings(): LoopSettings;
  /** The matches of a cron expression before and after now. */
  cron(expression: string): CronPosition;
  /** One conditional GET. Returns whether a cycle has something to do. */
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

/** What signals request from the loop. */
export interface LoopControl {
  readonly stop: AbortSignal;
  /** Aborts at a request. {@link LoopControl.handleRequests} replaces it by a new one. */
  readonly wake: AbortSignal;
  /** Reloads the configuration if that was requested. Returns true when a run was requested. */
  handleRequests(): Promise<boolean>;
}

/** A machine that was asleep is noticed within this time. */
const LONGEST_SLEEP_MS = 60_000;

/** When a clock is set back by less than this, waiting makes up for it. */
const CLOCK_SET_BACK_MS = 60_000;

/** Runs until `stop` aborts. An error of one turn never ends it: the next turn may succeed. */
export async function loop(ports: LoopPorts, control: LoopControl): Promise<void> {
  const { clock } = ports;
  // The first poll and the first run start at once: a new host needs its configuration now.
  let due: Due = { pollAt: 0, applyAt: 0, failures: 0 };
  let last = clock.now();
  while (!control.stop.aborted) {
    const now = clock.now();
    if (now < last - CLOCK_SET_BACK_MS) due = dueAfterSetBack(ports, due, now);
    last = now;
    const trigger = dueTrigger(due, await control.handleRequests(), now);
    if (trigger !== undefined) {
      const failed = await safeTurn(ports, trigger, control.stop);
      due = nextDue(ports, due, trigger, failed);
      continue;
    }
    const waitMs = Math.min(due.pollAt, due.applyAt) - clock.now();
    await clock.sleep(Math.max(0, Math.min(waitMs, LONGEST_SLEEP_MS)), control.wake);
  }
}

interface Due {
  readonly pollAt: number;
  readonly applyAt: number;
  /** Polls in a row that failed with an error that a retry may cure. */
  readonly failures: number;
}

function dueTrigger(due: Due, requested: boolean, now: number): Trigger | undefined {
  if (requested) return 'asked';
  if (now >= due.applyAt) return 'apply';
  if (now >= due.pollAt) return 'poll';
  return undefined;
}

/** What was due by the old clock may be years ahead of the new one. */
function dueAfterSetBack(ports: LoopPorts, due: Due, now: number): Due {
  const { certname, apply } = ports.settings();
  ports.log.warn('clock.set-back', { now: new Date(now).toISOString() });
  return { ...due, pollAt: now, applyAt: dueAfter(ports.cron(apply), certname, now) };
}

async function safeTurn(
  ports: LoopPorts,
  trigger: Trigger,
  stop: AbortSignal,
): Promise<TurnFailure | undefined> {
  try {
    return await turn(ports, trigger, stop);
  } catch (error) {
    ports.log.error('turn.failed', { trigger, error: String(error) });
    return 'unexpected';
  }
}

/** `unexpected` stands for an error without a code. A retry may cure it. */
type TurnFailure = ErrorCode | 'unexpected';

async function turn(
  ports: LoopPorts,
  trigger: Trigger,
  stop: AbortSignal,
): Promise<ErrorCode | undefined> {
  if (trigger !== 'poll') return await ports.runCycle(trigger, undefined);
  const result = await ports.poll(stop);
  switch (result.kind) {
    case 'idle':
      return undefined;
    case 'failed':
      return result.code;
    case 'cycle':
      ports.log.debug('cycle.starting', { why: result.why });
      return await ports.runCycle('poll', result.prefetched);
  }
}

/** Every turn polls, so each one moves the next poll. Only a run moves the next run. */
export function nextDue(
  ports: Pick<LoopPorts, 'clock' | 'random' | 'settings' | 'cron'>,
  due: Due,
  trigger: Trigger,
  failed: TurnFailure | undefined,
): Due {
  const now = ports.clock.now();
  const { certname, poll, apply } = ports.settings();
  const applyAt = trigger === 'poll' ? due.applyAt : dueAfter(ports.cron(apply), certname, now);
  const failures = isRetryable(failed) ? due.failures + 1 : 0;
  const pollAt =
    failures === 0
      ? dueAfter(ports.cron(poll), certname, now)
      : now + backoffMs(failures, ports.random());
  return { pollAt, applyAt, failures };
}

function isRetryable(failed: TurnFailure | undefined): boolean {
  if (failed === undefined) return false;
  return failed === 'unexpected' || DISPOSITION[failed] === 'retry';
}
