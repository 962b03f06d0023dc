import { setMaxListeners } from 'node:events';
import type { Agent, CycleRequest } from '../agent.ts';
import { cycleExitCode } from '../core/exit-code.ts';
import { type CycleEnd, cycle } from '../cycle.ts';
import { takeCycleLock } from '../io/cycle-lock.ts';
import { readPrefetched } from '../io/prefetched.ts';
import { stopOnSignals } from '../io/signals.ts';
import type { Options } from '../options.ts';
import { openAgent } from './open-agent.ts';

/** By hand somebody waits for the answer; the daemon asks again soon anyway. */
const BY_HAND_WAIT_MS = 60_000;

/** One cycle: by hand, or as the daemon's child. Returns the exit code. */
export async function once(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const stop = stopOnSignals();
  const agent = await openAgent(options, env);
  const wishes = await wishesOf(options, agent);
  const lock = await takeCycleLock({
    path: agent.paths.lock,
    waitMs: options.trigger === undefined ? BY_HAND_WAIT_MS : 0,
    clock: agent.ports.clock,
    stop,
  });
  try {
    const signal = AbortSignal.any([stop, lock.lost]);
    setMaxListeners(0, signal);
    const request = { ...wishes, lockLost: lock.lost };
    return exitCode(agent, await cycle(agent, request, signal), options);
  } finally {
    await lock.release();
    agent.ports.bucket.close();
  }
}

async function wishesOf(
  options: Options,
  { config }: Agent,
): Promise<Omit<CycleRequest, 'lockLost'>> {
  return {
    trigger: options.trigger ?? 'asked',
    noop: options.noop ?? config.run.noop,
    tags: options.tags.length > 0 ? options.tags : config.run.tags,
    skipTags: options.skipTags,
    debug: options.debug,
    prefetched: options.prefetched ? await readPrefetched() : undefined,
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
    changed: run?.resources?.changed,
    failed: run?.resources?.failed,
    seconds: run?.durationSeconds,
  });
  return code;
}
