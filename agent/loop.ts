import { DISPOSITION, type ErrorCode } from '../shared/coded-error.ts';
import type { Trigger } from './core/decide.ts';
import type { PollResult, Prefetched, TurnEnd } from './core/poll-result.ts';
import { backoffMs, type CronPosition, dueAfter } from './core/schedule.ts';
import type { Clock, Log } from './ports.ts';

/*
 * Decides when the next poll and the next run are due, and starts them. The daemon itself only
 * keeps time and sends one conditional GET per poll. A cycle runs in a child process (`runCycle`),
 * which returns its memory when it ends.
 */
export interface LoopPorts {
  readonly clock: Clock;
  readonly log: Log;
  /** In [0, 1). */
  random(): number;
  settings(): LoopSettings;
  /** The matches of a cron expression before and after now. */
  cron(expression: string): CronPosition;
  /** With `schedule.apply: boot`: no run has been made since the machine booted. */
  isBootRunDue(): boolean;
  /** When a daemon of another version has planned the next run: an upgrade keeps the schedule. */
  readonly plannedBefore: number | undefined;
  /** Whether the machine has a network. Called after the start and after the machine slept. */
  hasNetwork(): boolean;
  /** One conditional GET. Returns whether a cycle has something to do. */
  poll(stop: AbortSignal): Promise<PollResult>;
  /** Called at the end of each turn with the times of the next ones. */
  planned(due: Due): void;
  /** Runs a cycle to its end. */
  runCycle(trigger: Trigger, prefetched: Prefetched | undefined): Promise<TurnEnd>;
}

export interface LoopSettings {
  readonly certname: string;
  /** A cron expression. */
  readonly poll: string;
  /** A cron expression, `boot` or `never`. */
  readonly apply: string;
  readonly jitterMs: number;
  readonly waitForNetworkMs: number;
}

/** What signals request from the loop. */
export interface LoopControl {
  readonly stop: AbortSignal;
  /**
   * Aborts when a signal arrives. {@link LoopControl.handleRequests} replaces it with a new one.
   */
  readonly wake: AbortSignal;
  /** Reloads the configuration if that was requested. Returns true when a run was requested. */
  handleRequests(): Promise<boolean>;
}

/** The loop sleeps in steps of this length, so it notices soon that the machine was asleep. */
const LONGEST_SLEEP_MS = 60_000;

const ASK_FOR_NETWORK_MS = 2000;

/** The shortest pause before a poll: a run that stays due must not cause polls without a pause. */
const SHORTEST_PAUSE_MS = 1000;

/** A clock that was set back by less than this only delays the next poll. */
const CLOCK_SET_BACK_MS = 60_000;

/**
 * A sleep that took longer than planned by this much: the machine slept, or its clock was set
 * forward.
 */
const CLOCK_SET_FORWARD_MS = 60_000;

/** Runs until `stop` aborts. An error of one turn never ends it: the next turn may succeed. */
export async function loop(ports: LoopPorts, control: LoopControl): Promise<void> {
  const { clock } = ports;
  let due = firstDue(ports);
  let last = clock.now();
  let networkWaitMs = ports.settings().waitForNetworkMs;
  while (!control.stop.aborted) {
    const now = clock.now();
    if (now < last - CLOCK_SET_BACK_MS) due = dueAfterSetBack(ports, due, now);
    last = now;
    const trigger = dueTrigger(due, await control.handleRequests(), now);
    if (trigger !== undefined) {
      if (trigger !== 'asked' && networkWaitMs > 0 && !ports.hasNetwork()) {
        networkWaitMs -= ASK_FOR_NETWORK_MS;
        if (networkWaitMs <= 0) ports.log.warn('network.missing', { why: NO_NETWORK });
        await clock.sleep(ASK_FOR_NETWORK_MS, control.wake);
        continue;
      }
      networkWaitMs = 0;
      const end = await safeTurn(ports, trigger, control);
      if (end === 'interrupted') continue;
      due = nextDue(ports, due, trigger, end.error, end);
      ports.planned(due);
      continue;
    }
    const waitMs = Math.min(due.pollAt, due.applyAt) - clock.now();
    const sleepMs = Math.max(0, Math.min(waitMs, LONGEST_SLEEP_MS));
    await clock.sleep(sleepMs, control.wake);
    if (clock.now() - now - sleepMs > CLOCK_SET_FORWARD_MS) networkWaitMs = wokeUp(ports, now);
  }
}

const NO_NETWORK = 'the machine has no address in a network; going on without one';

/**
 * An overdue poll or run is done once, however often it was missed. Returns how long to wait for a
 * network, in ms.
 */
function wokeUp({ clock, log, settings }: LoopPorts, before: number): number {
  const seconds = Math.round((clock.now() - before) / 1000);
  log.info('clock.jumped', { seconds, why: 'the machine slept, or its clock was set forward' });
  return settings().waitForNetworkMs;
}

const AT_ONCE = Number.NEGATIVE_INFINITY;

/** When something is due, in ms since 1970. `Infinity` for a run that is not scheduled. */
export interface Due {
  readonly pollAt: number;
  readonly applyAt: number;
  /** Polls in a row that failed with an error that a retry may cure. */
  readonly failures: number;
}

/**
 * The first poll and the first run start at once, because a new host needs its configuration now.
 * After an upgrade of the agent the next run is the scheduled one.
 */
export function firstDue(ports: FirstDuePorts): Due {
  const { apply } = ports.settings();
  const { plannedBefore } = ports;
  if (plannedBefore !== undefined && apply !== 'boot' && apply !== 'never') {
    const now = ports.clock.now();
    const applyAt = Math.min(plannedBefore, nextRun(ports, now, now));
    return { pollAt: AT_ONCE, applyAt, failures: 0 };
  }
  const isRunDue = apply === 'boot' ? ports.isBootRunDue() : apply !== 'never';
  const applyAt = isRunDue ? AT_ONCE : Number.POSITIVE_INFINITY;
  return { pollAt: AT_ONCE, applyAt, failures: 0 };
}

function dueTrigger(due: Due, requested: boolean, now: number): Trigger | undefined {
  if (requested) return 'asked';
  if (due.applyAt === AT_ONCE) return 'start';
  if (now >= due.applyAt) return 'apply';
  if (now >= due.pollAt) return 'poll';
  return undefined;
}

/** The times were computed with the old clock and may be years in the future of the new one. */
function dueAfterSetBack(ports: LoopPorts, due: Due, now: number): Due {
  ports.log.warn('clock.set-back', { now: new Date(now).toISOString() });
  // The first run may still wait for the network.
  const applyAt = due.applyAt <= now ? due.applyAt : nextRun(ports, now, now);
  return { ...due, pollAt: now, applyAt };
}

async function safeTurn(
  ports: LoopPorts,
  trigger: Trigger,
  control: LoopControl,
): Promise<SafeTurnEnd | 'interrupted'> {
  try {
    return await turn(ports, trigger, control);
  } catch (error) {
    ports.log.error('turn.failed', { trigger, error: String(error) });
    return { error: 'unexpected' };
  }
}

/** `unexpected` stands for an error without a code. A retry may cure it. */
type TurnFailure = ErrorCode | 'unexpected';

type SafeTurnEnd = Omit<TurnEnd, 'error'> & { readonly error?: TurnFailure | undefined };

async function turn(
  ports: LoopPorts,
  trigger: Trigger,
  control: LoopControl,
): Promise<TurnEnd | 'interrupted'> {
  if (trigger !== 'poll') return await startCycle(ports, trigger, undefined, control);
  const result = await ports.poll(control.stop);
  switch (result.kind) {
    case 'idle':
    case 'failed':
      return result;
    case 'cycle': {
      const { why, prefetched, retryAfterMs } = result;
      ports.log.debug('cycle.starting', { why });
      const end = await startCycle(ports, 'poll', prefetched, control);
      return end === 'interrupted' ? end : { ...end, retryAfterMs };
    }
  }
}

/** A request during the delay interrupts it, and the requested run starts at once. */
async function startCycle(
  ports: LoopPorts,
  trigger: Trigger,
  prefetched: Prefetched | undefined,
  { wake }: LoopControl,
): Promise<TurnEnd | 'interrupted'> {
  const delayMs = Math.floor(ports.random() * ports.settings().jitterMs);
  if (trigger === 'asked' || delayMs === 0) return await ports.runCycle(trigger, prefetched);
  ports.log.info('cycle.delayed', { trigger, seconds: Math.round(delayMs / 1000) });
  await ports.clock.sleep(delayMs, wake);
  // timestamp.json was read before the delay, and its Date would look like a clock that is off.
  return wake.aborted ? 'interrupted' : await ports.runCycle(trigger, undefined);
}

type FirstDuePorts = DuePorts & Pick<LoopPorts, 'plannedBefore'>;
type DuePorts = Pick<LoopPorts, 'clock' | 'random' | 'settings' | 'cron' | 'isBootRunDue'>;

/**
 * Every turn includes a poll, so it moves the next poll. Only a run moves the next run. `runAt` is
 * when a failed run is due again: the host then polls, and runs the newest release.
 */
export function nextDue(
  ports: DuePorts,
  due: Due,
  trigger: Trigger,
  failed: TurnFailure | undefined,
  { runAt = Number.POSITIVE_INFINITY, retryAfterMs }: Omit<TurnEnd, 'error'> = {},
): Due {
  const now = ports.clock.now();
  const { certname, poll } = ports.settings();
  const failures = isRetryable(failed) ? due.failures + 1 : 0;
  const regularPollAt =
    failures === 0
      ? dueAfter(ports.cron(poll), certname, now)
      : now + backoffMs(failures, ports.random(), retryAfterMs);
  const runPollAt = failures > 0 && retryAfterMs !== undefined ? regularPollAt : runAt;
  const pollAt = Math.min(regularPollAt, Math.max(runPollAt, now + SHORTEST_PAUSE_MS));
  const applyAt = trigger === 'poll' ? due.applyAt : nextRun(ports, now, pollAt);
  return { pollAt, applyAt, failures };
}

/**
 * When the next run without a new release is due. A boot run that could not be made is tried again
 * at the next poll.
 */
function nextRun(ports: DuePorts, now: number, pollAt: number): number {
  const { certname, apply } = ports.settings();
  switch (apply) {
    case 'never':
      return Number.POSITIVE_INFINITY;
    case 'boot':
      return ports.isBootRunDue() ? pollAt : Number.POSITIVE_INFINITY;
    default:
      return dueAfter(ports.cron(apply), certname, now);
  }
}

function isRetryable(failed: TurnFailure | undefined): boolean {
  if (failed === undefined) return false;
  return failed === 'unexpected' || DISPOSITION[failed] === 'retry';
}
