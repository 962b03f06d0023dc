import type { KilledBy, PuppetExit } from '../../../core/run/puppet-run.ts';
import { endFamily, endLeftovers } from './family.ts';

/*
 * A process with a time limit. launch.ts starts it in a process group, unit.ts in a transient unit
 * of systemd, and pick-up.ts finds one whose agent died. This file waits for its end, and family.ts
 * ends what it started.
 */

/** A Puppet that this agent started, or an earlier one that died. */
export interface Launched {
  /** Also the id of the process group. Undefined when the process is gone. */
  readonly pid: number | undefined;
  /** Resolves when the process has ended. Never rejects. */
  readonly ended: Promise<LeaderEnd>;
}

export type LeaderEnd =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'unseen' };

export interface Limits {
  /** Counted from now. */
  readonly limitMs: number;
  /** Time between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  readonly stop: AbortSignal;
}

/**
 * Waits until a run has ended and its process group is gone. Ends it when its time is over or when
 * the agent must stop.
 */
export async function supervise(launched: Launched, limits: Limits): Promise<PuppetExit> {
  let end: LeaderEnd | undefined;
  const ended = launched.ended.then((value) => {
    end = value;
  });
  const { pid } = launched;
  const why = pid === undefined ? undefined : await reasonToEnd(ended, limits);
  if (pid !== undefined && why !== undefined) {
    const signal = await endFamily(pid, limits.graceMs, () => end !== undefined);
    return { kind: 'killed', signal, why };
  }
  if (pid !== undefined) await endLeftovers(pid, limits.graceMs);
  return exitOf(await launched.ended);
}

function exitOf(end: LeaderEnd): PuppetExit {
  switch (end.kind) {
    case 'code':
      return { kind: 'exited', exitCode: end.code };
    case 'signal':
      return { kind: 'killed', signal: end.signal, why: 'foreign' };
    case 'unseen':
      return end;
  }
}

/** The longest delay of setTimeout. A longer one fires at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Resolves with undefined when the run has ended by itself. */
async function reasonToEnd(ended: Promise<void>, limits: Limits): Promise<KilledBy | undefined> {
  const { promise, resolve } = Promise.withResolvers<KilledBy | undefined>();
  const onStop = () => resolve('stopped');
  const limitMs = Math.min(Math.max(0, limits.limitMs), LONGEST_TIMER_MS);
  const timer = setTimeout(() => resolve('time-limit'), limitMs);
  limits.stop.addEventListener('abort', onStop);
  if (limits.stop.aborted) onStop();
  void ended.then(() => resolve(undefined));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    limits.stop.removeEventListener('abort', onStop);
  }
}
