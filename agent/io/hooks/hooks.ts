import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HookFailure } from '../../../bucket/documents/status.ts';
import { messageOf, printable } from '../../../shared/clean-text.ts';
import { fileProblem } from '../../../shared/file-problem.ts';
import { requireOwn } from '../../../shared/owned-path.ts';
import type { Config } from '../../config/config.ts';
import { hookEnvironment } from '../../core/hooks/hook-input.ts';
import { MOST_HOOKS } from '../../core/hooks/stages.ts';
import type { PuppetExit } from '../../core/run/puppet-run.ts';
import type { HostPaths } from '../../paths.ts';
import type { HookRequest, Hooks, Log } from '../../ports.ts';
import { followOutput } from '../puppet/output/follow-output.ts';
import { outputTail } from '../puppet/output/output-tail.ts';
import { supervise } from '../puppet/process/supervise.ts';
import { outputPath } from '../puppet/run-directory/paths.ts';
import { launchHook } from './launch-hook.ts';
import { isProgram, programsIn, stagesIn } from './programs.ts';

export interface HookOptions {
  /** A directory that exists while a hook runs. No other process uses it. */
  readonly files: string;
  readonly launcher: 'group' | 'systemd';
  readonly log: Log;
  /** Time between SIGTERM and SIGKILL. */
  readonly graceMs?: number;
}

interface StageOptions extends HookOptions {
  /** `hooks.d`. */
  readonly directory: string;
  /** The directories of all runs. */
  readonly runs: string;
  readonly limitSeconds: number;
}

const GRACE_MS = 5000;
/** A failure is summarized from this many lines at the end of the output. */
const LAST_LINES = 10;

/** The hooks of this host: the programs in the directory that its configuration names. */
export function hostHooks(
  { hooks }: Pick<Config, 'hooks'>,
  paths: Pick<HostPaths, 'hooks' | 'runs'>,
  options: HookOptions,
): Hooks {
  const stageOptions: StageOptions = {
    ...options,
    directory: hooks.directory ?? paths.hooks,
    runs: paths.runs,
    limitSeconds: hooks.time_limit.seconds,
  };
  // A directory that the configuration names and that cannot be read is a hook that fails.
  const unread = new Set<string>(hooks.directory === undefined ? [] : ['pre-run']);
  let stages: ReadonlySet<string> | undefined;
  return {
    has(stage) {
      stages ??= stagesIn(stageOptions.directory) ?? unread;
      return stages.has(stage);
    },
    run: (request, stop) => runStage(request, stageOptions, stop),
  };
}

async function runStage(
  request: HookRequest,
  options: StageOptions,
  stop: AbortSignal,
): Promise<readonly HookFailure[]> {
  const { stage } = request;
  const failures: HookFailure[] = [];
  const fail = (failure: Failure & { readonly name: string }): void => {
    options.log.warn('hook.failed', { stage, ...failure });
    failures.push({ stage, ...failure });
  };
  try {
    const names = programsIn(join(options.directory, stage));
    for (const name of names.slice(0, MOST_HOOKS)) {
      const failure = await runHook(name, request, options, stop);
      if (failure !== undefined) fail({ name, ...failure });
    }
    for (const name of names.slice(MOST_HOOKS))
      fail({ name, why: `not run: a directory may have ${MOST_HOOKS} hooks` });
  } catch (error) {
    const { why } = fileProblem(join(options.directory, stage), error);
    fail({ name: '.', why: printable(why, 300) });
  }
  return failures;
}

interface Failure {
  readonly why: string;
  /** The end of the output of the hook. */
  readonly output?: string;
}

/** Undefined when the hook ended well. */
async function runHook(
  name: string,
  request: HookRequest,
  options: StageOptions,
  stop: AbortSignal,
): Promise<Failure | undefined> {
  if (stop.aborted) return { why: 'not run: the agent was stopped' };
  const { stage } = request;
  const lines: string[] = [];
  const startedAt = performance.now();
  try {
    const exit = await superviseHook(name, request, options, stop, (text) => {
      lines.push(text);
      if (lines.length > LAST_LINES) lines.shift();
    });
    const why = whyFailed(exit, options.limitSeconds);
    const output = outputTail(lines.join(' '));
    if (why !== undefined) return { why, ...(output === '' ? {} : { output }) };
    const seconds = Math.round(performance.now() - startedAt) / 1000;
    options.log.info('hook.ended', { stage, name, seconds });
    return undefined;
  } catch (error) {
    return { why: messageOf(error, 300) };
  } finally {
    rmSync(options.files, { recursive: true, force: true });
  }
}

async function superviseHook(
  name: string,
  request: HookRequest,
  options: StageOptions,
  stop: AbortSignal,
  onText: (text: string) => void,
): Promise<PuppetExit> {
  const { files: directory, launcher, limitSeconds, log, graceMs = GRACE_MS } = options;
  const { stage } = request;
  const path = join(options.directory, stage, name);
  if (!isProgram(path)) throw new Error('not run: it is not an executable file');
  requireOwn(path, 'the hook');
  // A killed agent may have left it.
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const output = followOutput(join(directory, 'output'), ({ level, text }) => {
    log[level]('hook.line', { stage, name, text });
    onText(text);
  });
  try {
    const hookInput = { schemaVersion: 1 as const, ...request, log: logOf(request, options) };
    const environment = hookEnvironment(hookInput);
    const input = `${JSON.stringify(hookInput)}\n`;
    const lastSeconds = Math.ceil(limitSeconds + (2 * graceMs) / 1000);
    const launched = await launchHook({
      ...{ path, directory, input, environment, output, lastSeconds, launcher },
    });
    return await supervise(launched, { limitMs: limitSeconds * 1000, graceMs, stop });
  } finally {
    output.close();
  }
}

function logOf({ runId }: HookRequest, { runs }: StageOptions): string | null {
  const path = outputPath(join(runs, runId ?? ''));
  return runId !== null && existsSync(path) ? path : null;
}

function whyFailed(exit: PuppetExit, limitSeconds: number): string | undefined {
  switch (exit.kind) {
    case 'exited':
      return exit.exitCode === 0 ? undefined : `ended with exit code ${exit.exitCode}`;
    case 'unseen':
      return 'ended by a signal';
    case 'killed':
      if (exit.why === 'time-limit') return `ended after ${limitSeconds} s, by its time limit`;
      if (exit.why === 'stopped') return 'ended because the agent was stopped';
      return `ended by ${exit.signal}`;
  }
}
