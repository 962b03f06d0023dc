import { setMaxListeners } from 'node:events';
import type { RunSummary } from '../../bucket/documents/status.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { diskCode } from '../../shared/disk-error.ts';
import type { Agent, CycleRequest } from '../agent.ts';
import { cycleLimitMs } from '../core/cycle-limit.ts';
import { cycleExitCode, EXIT_CODES } from '../core/exit-code.ts';
import { wouldChange } from '../core/run/run-text.ts';
import { type CycleEnd, cycle } from '../cycle.ts';
import { NO_DAEMON_INPUT, readDaemonInput } from '../io/daemon/daemon-input.ts';
import { endAfter } from '../io/daemon/end-after.ts';
import { stopOnSignals } from '../io/daemon/signals.ts';
import { requireWritable } from '../io/host/permission.ts';
import { acquireCycleLock, type CycleLock } from '../io/locks/cycle-lock.ts';
import type { Options } from '../options.ts';
import { localPaths } from '../paths.ts';
import { openAgent } from './open-agent.ts';

/**
 * A person waits for the answer. The daemon starts another cycle soon, so its children wait less.
 */
const BY_HAND_WAIT_MS = 60_000;

export interface OnceEnd {
  readonly exitCode: number;
  /** Puppet ran in this cycle and left a report. */
  readonly hasRun: boolean;
  readonly run?: RunSummary | undefined;
}

/**
 * One cycle, started by a person or by the daemon. Open files and connections end with the process.
 */
export async function once(options: Options, env: NodeJS.ProcessEnv): Promise<OnceEnd> {
  const isByHand = options.trigger === undefined;
  // SIGHUP means that the terminal was closed. The daemon's children have no terminal.
  const stop = isByHand ? stopOnSignals('SIGHUP') : stopOnSignals();
  if (isByHand) {
    const { state, runtime } = localPaths(options.root);
    requireWritable([state, runtime], options.argv);
  }
  const input = options.daemonInput ? await readDaemonInput() : NO_DAEMON_INPUT;
  const agent = await openAgent(options, env, input.config);
  const { log } = agent.ports;
  if (!isByHand) endAfter(cycleLimitMs(agent.config), log);
  const request = { ...requestOf(options, agent), prefetched: input.prefetched };
  try {
    return await lockedCycle(agent, request, options, stop);
  } catch (error) {
    if (!stop.aborted) throw error;
    // An error that the signal caused needs no explanation.
    log.warn('cycle.stopped', { why: (stop.reason as Error).message });
    return { exitCode: EXIT_CODES.failed.code, hasRun: false };
  }
}

async function lockedCycle(
  agent: Agent,
  request: Omit<CycleRequest, 'lockLost' | 'lockError'>,
  options: Options,
  stop: AbortSignal,
): Promise<OnceEnd> {
  const lock: Lock = await acquireCycleLock({
    path: agent.paths.lock,
    waitMs: options.trigger === undefined ? BY_HAND_WAIT_MS : 0,
    clock: agent.ports.clock,
    stop,
  }).catch(withoutLock);
  try {
    const signal = AbortSignal.any([stop, lock.lost]);
    setMaxListeners(0, signal);
    const { lost: lockLost, lockError } = lock;
    const end = await cycle(agent, { ...request, lockLost, lockError }, signal);
    const hasRun = end.decision.run !== 'no' && end.run !== undefined && end.run.resources !== null;
    return { exitCode: exitCode(agent, end, options), hasRun, run: end.run };
  } catch (error) {
    lock.lost.throwIfAborted();
    if (stop.aborted) throw error;
    // The cycle has logged it.
    return { exitCode: EXIT_CODES.failed.code, hasRun: false };
  } finally {
    await lock.release();
  }
}

type Lock = CycleLock & Pick<CycleRequest, 'lockError'>;

/** Nobody can make the lock now, so a cycle that only reports disturbs no other one. */
function withoutLock(error: unknown): Lock {
  if (!(error instanceof CodedError) || diskCode(error) === undefined) throw error;
  return { lockError: error, lost: new AbortController().signal, release: async () => {} };
}

function requestOf(
  options: Options,
  { config, identity, pin }: Agent,
): Omit<CycleRequest, 'lockLost' | 'prefetched' | 'lockError'> {
  const noop = options.noop ?? config.run.noop;
  const isDiff = options.command === 'diff';
  const isOther = identity.environment !== (pin?.environment ?? config.environment);
  return {
    trigger: options.trigger ?? 'asked',
    noop,
    isTrial: isDiff || (options.trigger === undefined && noop && isOther),
    keepsRelease: isDiff,
    showDiff: options.showDiff,
    ignoreWindow: options.ignoreWindow,
    tags: options.tags.length > 0 ? options.tags : config.run.tags,
    skipTags: options.skipTags,
    debug: options.debug,
  };
}

function exitCode(agent: Agent, end: CycleEnd, options: Options): number {
  const { decision, run, error } = end;
  const code = cycleExitCode(
    { decision, run, errorCode: error?.code },
    { detailed: options.detailedExitCodes },
  );
  agent.ports.log.info('cycle.ended', {
    run: run?.status,
    exitCode: code,
    changed: run?.noop === true ? undefined : run?.resources?.changed,
    wouldChange: run && wouldChange(run),
    failed: run?.resources?.failed,
    seconds: run?.durationSeconds,
  });
  return code;
}
