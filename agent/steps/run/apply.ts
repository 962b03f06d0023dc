import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ActiveRelease, HookFailure, RunSummary } from '../../../bucket/documents/status.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { makeDirectorySync } from '../../../shared/disk-error.ts';
import type { Agent, CycleRequest } from '../../agent.ts';
import type { Findings, Found } from '../../core/findings.ts';
import type { PuppetExit } from '../../core/run/puppet-run.ts';
import { failedToStart } from '../../core/run/run-summary.ts';
import type { HostState } from '../../core/state.ts';
import { withReserve } from '../../disk/reserve.ts';
import { releasePaths } from '../../paths.ts';
import type { PuppetInstall } from '../../ports.ts';
import { nextRetry, readEndedRun, rememberOutsideWindow, rememberRun } from './ended-run.ts';
import { requireHooks, runHooksBefore } from './hooks.ts';
import { keepRun } from './keep-run.ts';
import { removeView } from './view.ts';

/** Why Puppet runs, and whether the run is noop. */
export interface RunPlan {
  readonly noop: boolean;
  readonly why: string;
  /** The run is noop only because `apply_window` is closed. */
  readonly isOutsideWindow: boolean;
}

/**
 * Runs Puppet on the active release. A Puppet that cannot be started is also reported as the
 * outcome of a run.
 */
export async function apply(
  agent: Agent,
  request: CycleRequest,
  { state, active, refresh }: Findings,
  plan: RunPlan,
  stop: AbortSignal,
): Promise<Found> {
  if (active === null) throw new TypeError('a decision to run needs an active release');
  const { ports } = agent;
  const isWhole = isWholeCatalog(agent, request, plan);
  let startedAt = ports.clock.now();
  const runId = newRunId(startedAt);
  let puppet: PuppetInstall | undefined;
  let hooks: readonly HookFailure[] = [];
  try {
    if (!request.isTrial) hooks = await runHooksBefore(agent, { active }, { ...plan, runId }, stop);
    // A stop ends the run: a failed hook does not matter any more.
    if (!stop.aborted) requireHooks(hooks);
    puppet = await ports.puppet.find();
    // The duration of a run is that of Puppet, without its hooks.
    startedAt = ports.clock.now();
    const { noop, why, isOutsideWindow } = plan;
    ports.log.info('run.started', { runId, noop, why, version: active.version });
    const run = { ...plan, runId, puppet, ...active };
    // A run may free space, so it starts on a full disk as well. A write that fails here happens
    // before Puppet starts.
    const exit = await withReserve(agent.paths, 'run', () => runPuppet(agent, request, run, stop));
    removeView(agent.paths);
    const ended = await readEndedRun(agent, active, { runId, startedAt, exit, ...plan });
    const remembered = isOutsideWindow
      ? rememberOutsideWindow(active, ended.summary)
      : rememberRun(agent, { state, active, refresh }, ended, exit);
    return {
      run: { ...ended, puppetVersion: puppet.version },
      hooks,
      state: isWhole ? remembered : {},
    };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const { code, message, next } = error;
    ports.log.error('run.not-started', { code, error: message, next });
    removeView(agent.paths);
    const summary = failedToStart(plan.why, { code, message }, startedAt);
    keepRun(agent, active, summary);
    return {
      run: { summary, puppetVersion: puppet?.version },
      hooks,
      state: rememberNotStarted(agent, { state, active }, { ...plan, isWhole, summary }),
    };
  }
}

async function runPuppet(
  { ports, paths, identity, config }: Agent,
  { tags, skipTags, debug, showDiff }: CycleRequest,
  run: {
    readonly runId: string;
    readonly puppet: PuppetInstall;
    readonly noop: boolean;
    readonly sha256: string;
    readonly version: string;
  },
  stop: AbortSignal,
): Promise<PuppetExit> {
  const { runId, puppet, noop } = run;
  const runDirectory = join(paths.runs, runId);
  makeDirectorySync(runDirectory, 0o700);
  return await ports.puppet.apply(
    {
      runId,
      runDirectory,
      puppet,
      environmentPath: releasePaths(paths, run.sha256).environments,
      environment: identity.environment,
      releaseLabel: run.version,
      viewPath: paths.view,
      certname: identity.certname,
      noop,
      tags,
      skipTags,
      debug,
      extraArguments: [...config.run.extra_arguments, ...(showDiff ? ['--show_diff'] : [])],
      timeLimitSeconds: config.run.time_limit.seconds,
      privateDirectory: paths.puppetPrivate,
      onLine: ({ level, text }) => ports.log[level]('puppet.line', { text }),
    },
    stop,
  );
}

/**
 * Whether the run applies the whole catalog as configured; a run by hand with `--noop` or `--tags`
 * does not.
 */
function isWholeCatalog(
  { config }: Agent,
  { tags, skipTags }: CycleRequest,
  { noop, isOutsideWindow }: RunPlan,
): boolean {
  const hasTags = tags.join() !== config.run.tags.join() || skipTags.length > 0;
  return (isOutsideWindow || noop === config.run.noop) && !hasTags;
}

/** Counts as a completed run, because the next poll would only fail in the same way. */
function rememberNotStarted(
  agent: Agent,
  { state, active }: { readonly state: HostState; readonly active: ActiveRelease },
  run: {
    readonly isOutsideWindow: boolean;
    readonly isWhole: boolean;
    readonly summary: RunSummary;
  },
): Partial<HostState> {
  if (run.isOutsideWindow) return run.isWhole ? rememberOutsideWindow(active, run.summary) : {};
  const retry = run.isWhole ? { retry: nextRetry(agent, { state, active }, false) } : {};
  return { lastRunRelease: active.sha256, ...retry };
}

/** Ids sort by time; the random part distinguishes two runs of the same second. */
function newRunId(now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}
