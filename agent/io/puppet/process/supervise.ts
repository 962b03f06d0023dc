import type { KilledBy, PuppetExit } from '../../../ports.ts';
import { endFamily, endLeftovers } from './family.ts';

/** A Puppet that was started, by this agent or by one that died. */
export interface Launched {
  /** Also the id of its process group; undefined when it is gone already. */
  readonly pid: number | undefined;
  /** Resolves when that process has ended; never rejects. */
  readonly ended: Promise<LeaderEnd>;
}

export type LeaderEnd =
  | { readonly kind: 'code'; readonly code: number }
  | { readonly kind: 'signal'; readonly signal: string }
  | { readonly kind: 'unseen' };

export interface Limits {
  /** From now on. */
  readonly limitMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  readonly stop: AbortSignal;
}

/** Waits for the end of a run, ends it when it must be ended, and resolves when its process group is gone. */
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

/** A longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Undefined once the run has ended by itself. */
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
