import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import type { Agent, CycleRequest } from '../../agent.ts';
import type { Findings, Found } from '../../core/findings.ts';
import type { PuppetExit } from '../../core/run/puppet-run.ts';
import { failedToStart } from '../../core/run/run-summary.ts';
import { releasePaths } from '../../paths.ts';
import type { PuppetInstall } from '../../ports.ts';
import { readEndedRun, rememberRun } from './ended-run.ts';

/** Why Puppet runs, and whether it only says what would change. */
export interface RunPlan {
  readonly noop: boolean;
  readonly why: string;
}

/**
 * Runs Puppet on the active release. That Puppet cannot be started is the outcome of a run, too.
 */
export async function apply(
  agent: Agent,
  request: CycleRequest,
  { active }: Findings,
  plan: RunPlan,
  stop: AbortSignal,
): Promise<Found> {
  if (active === null) throw new TypeError('a decision to run needs an active release');
  const { ports } = agent;
  const startedAt = ports.clock.now();
  const runId = newRunId(startedAt);
  let puppet: PuppetInstall | undefined;
  try {
    puppet = await ports.puppet.find();
    ports.log.info('run.started', { runId, ...plan, version: active.version });
    const exit = await runPuppet(agent, request, { ...plan, runId, puppet, ...active }, stop);
    const run = await readEndedRun(agent, active, { runId, startedAt, exit, ...plan });
    const isWhole = isWholeCatalog(agent, request, plan);
    return {
      run: { ...run, puppetVersion: puppet.version },
      state: isWhole ? rememberRun(active, run.summary, exit) : {},
    };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const { code, message, next } = error;
    ports.log.error('run.not-started', { code, error: message, next });
    const summary = failedToStart(plan.why, message, startedAt);
    return {
      run: { summary, puppetVersion: puppet?.version },
      state: { lastRunRelease: active.sha256 },
    };
  }
}

async function runPuppet(
  { ports, paths, identity, config }: Agent,
  { tags, skipTags, debug }: CycleRequest,
  run: {
    readonly runId: string;
    readonly puppet: PuppetInstall;
    readonly noop: boolean;
    readonly sha256: string;
  },
  stop: AbortSignal,
): Promise<PuppetExit> {
  const { runId, puppet, noop } = run;
  const runDirectory = join(paths.runs, runId);
  makeRunDirectory(runDirectory);
  return await ports.puppet.apply(
    {
      runId,
      runDirectory,
      puppet,
      environmentPath: releasePaths(paths, run.sha256).environments,
      environment: identity.environment,
      certname: identity.certname,
      noop,
      tags,
      skipTags,
      debug,
      extraArguments: config.run.extra_arguments,
      timeLimitSeconds: config.run.time_limit.seconds,
      privateDirectory: paths.puppetPrivate,
      onLine: ({ level, text }) => ports.log[level]('puppet.line', { text }),
    },
    stop,
  );
}

function makeRunDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CodedError(`cannot make the run's directory ${path}: ${(cause as Error).message}`, {
      code: 'PUPPET_NOT_STARTED',
      cause,
      next: 'check whether the disk is full or mounted read-only: df, mount',
    });
  }
}

/**
 * Whether the run is the one that the configuration describes; `--noop` or `--tags` by hand is not.
 */
function isWholeCatalog(
  { config }: Agent,
  { tags, skipTags }: CycleRequest,
  { noop }: RunPlan,
): boolean {
  const hasTags = tags.join() !== config.run.tags.join() || skipTags.length > 0;
  return noop === config.run.noop && !hasTags;
}

/** Sorts by time; the random part distinguishes two runs of the same second. */
function newRunId(now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}
