import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { messageOf } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { Duration } from '../../shared/duration.ts';
import { fileProblem } from '../../shared/file-problem.ts';
import { checkedConfig } from '../config/checked-config.ts';
import { tryEnd } from '../core/convergence.ts';
import { EXIT_CODES } from '../core/exit-code.ts';
import { backoffMs } from '../core/schedule.ts';
import { systemClock as clock } from '../io/clock.ts';
import { lastState } from '../io/daemon/last-state.ts';
import { stopOnSignals } from '../io/daemon/signals.ts';
import { hostHooks } from '../io/hooks/hooks.ts';
import { requireWritable } from '../io/host/permission.ts';
import { agentLog } from '../io/log.ts';
import { childOptions, type Options } from '../options.ts';
import { type HostPaths, localPaths } from '../paths.ts';
import type { HookRequest, Log } from '../ports.ts';
import { ownProgram } from '../program/self.ts';
import { programStamp } from '../program/stamp.ts';

const DEFAULT_TRIES = 10;
const MOST_TRIES = 1000;
const DEFAULT_DEADLINE = '1h';
/** A machine that boots waits less than a daemon. */
const LONGEST_PAUSE_MS = 5 * 60_000;

interface Limits {
  readonly tries: number;
  /**
   * By `performance.now()`: a machine that boots may set its clock. No try begins later; one that
   * is under way is not ended.
   */
  readonly deadline: number;
}

/**
 * `mm-agent --once --until-converged`: cycles until a run has nothing to change. Then it writes the
 * sentinel file and returns 0. Each cycle is a process of its own, because Puppet may write the
 * configuration or upgrade this program.
 */
export async function converge(options: Options, env: NodeJS.ProcessEnv): Promise<number> {
  const limits = limitsOf(options);
  const paths = localPaths(options.root);
  requireWritable([paths.state, paths.runtime], options.argv);
  const sentinel = options.sentinel === undefined ? paths.converged : resolve(options.sentinel);
  removeSentinel(sentinel, options.sentinel !== undefined);
  const log = agentLog(options, { level: 'info', format: options.json ? 'json' : 'text' }, env);
  const stop = stopOnSignals('SIGHUP');
  // TypeScript assumes that a property that was false once stays false.
  const isStopped = () => stop.aborted;
  let failures = 0;
  for (let tries = 1; ; tries++) {
    const before = lastState(paths.stateFile);
    const exitCode = await cycleOf(options, stop);
    const after = lastState(paths.stateFile);
    if (isStopped()) return stopped(log, stop);
    const end = tryEnd(exitCode, before, after);
    switch (end.kind) {
      case 'converged': {
        const version = after?.status?.release?.version;
        const at = new Date(clock.now()).toISOString();
        writeFileAtomicSync(sentinel, `${JSON.stringify({ at, version, tries })}\n`);
        log.info('converge.done', { tries, version, sentinel });
        await runHooks(
          { stage: 'on-converged', reason: 'nothing changes', tries },
          paths,
          log,
          stop,
        );
        return EXIT_CODES.done.code;
      }
      case 'hopeless':
        log.error('converge.ended', { tries, why: end.why });
        await runHooks({ stage: 'on-not-converged', reason: end.why, tries }, paths, log, stop);
        return end.exitCode;
      case 'again':
        break;
    }
    failures = end.isFailure ? failures + 1 : 0;
    const pauseMs = pauseOf(failures);
    const isOver = tries >= limits.tries || performance.now() + pauseMs > limits.deadline;
    if (isOver) {
      log.error('converge.ended', { tries, why: end.why, next: 'mm-agent status' });
      await runHooks({ stage: 'on-not-converged', reason: end.why, tries }, paths, log, stop);
      return EXIT_CODES.notConverged.code;
    }
    log.info('converge.continues', { tries, of: limits.tries, why: end.why, pauseMs });
    await clock.sleep(pauseMs, stop);
    if (isStopped()) return stopped(log, stop);
  }
}

/**
 * Removes the file of an earlier boot, which must not say that this one is ready. Throws USAGE
 * before the first run for a path that cannot be written after the last one.
 */
function removeSentinel(path: string, isTyped: boolean): void {
  try {
    rmSync(path, { force: true });
    if (isTyped) accessSync(dirname(path), constants.W_OK);
  } catch (cause) {
    const { why, next } = fileProblem(path, cause);
    throw new CodedError(`cannot write the sentinel: ${why}`, { code: 'USAGE', cause, next });
  }
}

/** The exit code does not depend on the hooks. What fails is logged. */
async function runHooks(
  end: Pick<HookRequest, 'stage' | 'reason' | 'tries'>,
  paths: HostPaths,
  log: Log,
  stop: AbortSignal,
): Promise<void> {
  try {
    const config = await checkedConfig(paths, programStamp());
    const files = paths.convergeHookFiles;
    const hooks = hostHooks(config, paths, { files, launcher: 'group', log });
    if (!hooks.has(end.stage)) return;
    const { tree, environment, groups } = config;
    const status = lastState(paths.stateFile)?.status;
    const { certname = '', run = null, release = null } = status ?? {};
    const host = { tree, environment, groups, certname, release };
    await hooks.run({ ...end, ...host, run, runId: run?.id ?? null, noop: false }, stop);
  } catch (error) {
    log.warn('hook.failed', { stage: end.stage, why: messageOf(error) });
  }
}

/** After a change the next try begins at once. */
function pauseOf(failures: number): number {
  if (failures === 0) return 0;
  return Math.min(LONGEST_PAUSE_MS, backoffMs(failures, Math.random()));
}

function stopped(log: Log, stop: AbortSignal): number {
  log.warn('converge.stopped', { why: (stop.reason as Error).message });
  return EXIT_CODES.failed.code;
}

function limitsOf({ tries = String(DEFAULT_TRIES), deadline = DEFAULT_DEADLINE }: Options): Limits {
  const count = Number(tries);
  if (!/^\d{1,4}$/.test(tries) || count < 1 || count > MOST_TRIES)
    throw wrongValue('tries', `a number from 1 to ${MOST_TRIES}`, tries);
  const { data } = Duration.safeParse(deadline);
  if (data === undefined) throw wrongValue('deadline', 'a duration such as 30m or 2h', deadline);
  return { tries: count, deadline: performance.now() + data.seconds * 1000 };
}

function wrongValue(option: string, wanted: string, found: string): CodedError {
  return new CodedError(`--${option}: wanted ${wanted}, found ${found}`, {
    code: 'USAGE',
    next: 'mm-agent --once --until-converged --tries 10 --deadline 1h',
  });
}

/** Runs a cycle as by hand, and returns its exit code; that of a failure after a signal. */
async function cycleOf(options: Options, stop: AbortSignal): Promise<number> {
  const { path, argv } = ownProgram('--once', ...passedOn(options));
  const child = spawn(path, argv, { stdio: ['ignore', 'inherit', 'inherit'] });
  const terminate = (): void => void child.kill('SIGTERM');
  stop.addEventListener('abort', terminate, { once: true });
  try {
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    return exitCode ?? EXIT_CODES.failed.code;
  } finally {
    stop.removeEventListener('abort', terminate);
  }
}

function passedOn(options: Options): string[] {
  const { tags, skipTags } = options;
  return [
    ...childOptions(options),
    ...(tags.length === 0 ? [] : [`--tags=${tags.join()}`]),
    ...(skipTags.length === 0 ? [] : [`--skip_tags=${skipTags.join()}`]),
    ...(options.noop === false ? ['--no-noop'] : []),
    ...(options.ignoreWindow ? ['--ignore-window'] : []),
  ];
}
