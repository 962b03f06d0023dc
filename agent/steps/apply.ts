import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSummary } from '../../bucket/documents/status.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { orUndefined } from '../../shared/files.ts';
import type { Agent, CycleRequest } from '../agent.ts';
import type { Draft } from '../core/draft.ts';
import { collectFacts } from '../core/facts/facts.ts';
import { outcomeOf } from '../core/run/outcome.ts';
import { failedToStart } from '../core/run/run-summary.ts';
import { releasePaths } from '../paths.ts';
import type { PuppetExit, PuppetLine } from '../ports.ts';

/** Runs Puppet on the active release, and enters its outcome and its facts in the draft. */
export async function apply(
  agent: Agent,
  request: CycleRequest,
  draft: Draft,
  plan: { readonly noop: boolean; readonly why: string },
  stop: AbortSignal,
): Promise<void> {
  const { active } = draft;
  if (active === null) throw new TypeError('a decision to run needs an active release');
  const { ports, paths, identity, config } = agent;
  const startedAt = ports.clock.now();
  const runId = newRunId(startedAt);
  const runDirectory = join(paths.runs, runId);
  const { environments } = releasePaths(paths, active.sha256);
  try {
    const puppet = await ports.puppet.find();
    draft.puppetVersion = puppet.version;
    makeRunDirectory(runDirectory);
    ports.log.info('run.started', {
      runId,
      why: plan.why,
      noop: plan.noop,
      version: active.version,
    });
    const exit = await ports.puppet.apply(
      {
        runId,
        runDirectory,
        puppet,
        environmentPath: environments,
        environment: identity.environment,
        certname: identity.certname,
        noop: plan.noop,
        tags: request.tags,
        skipTags: request.skipTags,
        debug: request.debug,
        extraArguments: config.run.extra_arguments,
        timeLimitSeconds: config.run.time_limit.seconds,
        privateDirectory: paths.puppetPrivate,
        onLine: (line) => pass(agent, line),
      },
      stop,
    );
    await enterRun(agent, draft, { runId, startedAt, exit, reason: plan.why, noop: plan.noop });
    if (isWhole(agent, request, plan) && draft.run !== undefined)
      markRelease(draft, draft.run, exit);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    ports.log.error('run.not-started', {
      code: error.code,
      error: error.message,
      next: error.next,
    });
    draft.run = failedToStart(plan.why, error.message, startedAt);
    draft.state = { ...draft.state, lastRunRelease: active.sha256 };
  }
}

function makeRunDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new CodedError(`cannot make the run's directory ${path}: ${(cause as Error).message}`, {
      code: 'PUPPET_NOT_STARTED',
      cause,
      next: 'see whether the disk is full, or mounted read-only',
    });
  }
}

/**
 * A run whose agent was killed under it is seen to its end. True when there was one: it wants a report of its own, for
 * this cycle may run again. All run directories are looked at: after a clock that was set back the newest name is not
 * the latest run.
 */
export async function finishInterruptedRun(
  agent: Agent,
  draft: Draft,
  stop: AbortSignal,
): Promise<boolean> {
  const runs = orUndefined(() => readdirSync(agent.paths.runs)) ?? [];
  let found = false;
  for (const run of runs.sort()) {
    const pickedUp = await agent.ports.puppet.pickUp(join(agent.paths.runs, run), stop);
    if (pickedUp === undefined) continue;
    found = true;
    agent.ports.log.warn('run.picked-up', { runId: pickedUp.runId, end: pickedUp.exit.kind });
    const reason = 'its agent was ended while it ran; a later one saw it to its end';
    await enterRun(agent, draft, { ...pickedUp, reason });
    if (!pickedUp.noop && draft.run !== undefined) markRelease(draft, draft.run, pickedUp.exit);
  }
  return found;
}

async function enterRun(
  agent: Agent,
  draft: Draft,
  run: {
    readonly runId: string;
    readonly startedAt: number;
    readonly exit: PuppetExit;
    readonly reason: string;
    readonly noop: boolean;
  },
): Promise<void> {
  const { ports, paths, identity, config } = agent;
  const runDirectory = join(paths.runs, run.runId);
  const remains = await ports.puppet.read(runDirectory, identity.certname);
  draft.run = outcomeOf({
    id: run.runId,
    reason: run.reason,
    noop: run.noop,
    startedAt: run.startedAt,
    endedAt: ports.clock.now(),
    exit: run.exit,
    remains,
    environmentDirectory: environmentDirectory(agent, draft),
    runDirectory,
  });
  const { deny, promote, max_bytes } = config.facts;
  draft.facts = collectFacts(remains.facts, { deny, promote, maxBytes: max_bytes });
  draft.slowFacts = remains.slowFacts ?? [];
  logOutcome(agent, draft.run);
}

/** Whether it was the run that the configuration asks for: one by hand with --noop or --tags is not. */
function isWhole(
  { config }: Agent,
  { tags, skipTags }: CycleRequest,
  { noop }: { readonly noop: boolean },
): boolean {
  const hasTags = tags.join() !== config.run.tags.join() || skipTags.length > 0;
  return noop === config.run.noop && !hasTags;
}

/**
 * A run that the agent ended, or that broke off unseen, is owed: the next poll begins it again. One that somebody else
 * killed is not: where memory is short, it would be killed at every poll.
 */
function markRelease(draft: Draft, run: RunSummary, exit: PuppetExit): void {
  const { active, state } = draft;
  const isOwed =
    exit.kind === 'killed'
      ? exit.why === 'stopped'
      : exit.kind === 'unseen' && run.status === 'killed';
  if (active === null || isOwed) return;
  const isGood = run.status === 'unchanged' || run.status === 'changed';
  draft.state = {
    ...state,
    lastRunRelease: active.sha256,
    ...(isGood ? { lastGoodRelease: active.sha256 } : {}),
  };
}

function environmentDirectory({ paths, identity }: Agent, { active }: Draft): string {
  if (active === null) return join(paths.environments, identity.environment);
  return join(releasePaths(paths, active.sha256).environments, identity.environment);
}

function logOutcome({ ports }: Agent, run: RunSummary): void {
  const fields = {
    runId: run.id,
    status: run.status,
    changed: run.resources?.changed,
    failed: run.resources?.failed,
    seconds: run.durationSeconds,
    error: run.error,
  };
  if (['failed', 'not-compiled', 'killed'].includes(run.status))
    ports.log.error('run.ended', fields);
  else ports.log.info('run.ended', fields);
}

function pass({ ports }: Agent, { level, text }: PuppetLine): void {
  ports.log[level]('puppet.line', { text });
}

/** Sorts by time; the random part keeps apart two runs of one second. */
function newRunId(now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${time}-${randomBytes(3).toString('hex')}`;
}
