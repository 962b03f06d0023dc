import { join } from 'node:path';
import type { ActiveRelease, RunSummary } from '../../../bucket/documents/status.ts';
import { orUndefined } from '../../../shared/files.ts';
import type { Agent } from '../../agent.ts';
import { collectFacts } from '../../core/facts/facts.ts';
import type { Findings, RunResult } from '../../core/findings.ts';
import { badAfterRun, goodAfterRun } from '../../core/health/health.ts';
import { changedValues } from '../../core/run/changed-values.ts';
import { countChanges } from '../../core/run/fights.ts';
import { outcomeOf } from '../../core/run/outcome.ts';
import type { PuppetExit } from '../../core/run/puppet-run.ts';
import { isFailure } from '../../core/run/run-summary.ts';
import { wouldChange } from '../../core/run/run-text.ts';
import type { HostState } from '../../core/state.ts';
import { retryAfterRun } from '../../core/when/retry.ts';
import { diskErrorOf } from '../../disk/free-space.ts';
import { releasePaths } from '../../paths.ts';
import { keepRun } from './keep-run.ts';

/** The end of a run of Puppet. */
export interface RunEnd {
  readonly runId: string;
  /** ms since 1970. */
  readonly startedAt: number;
  readonly exit: PuppetExit;
  readonly why: string;
  readonly noop: boolean;
}

/** Reads what a run left in its directory: its outcome and its facts. */
export async function readEndedRun(
  agent: Agent,
  active: ActiveRelease | null,
  run: RunEnd,
): Promise<RunResult> {
  const { ports, paths, identity, config } = agent;
  const runDirectory = join(paths.runs, run.runId);
  const results = await ports.puppet.read(runDirectory, identity.certname);
  const summary = outcomeOf({
    id: run.runId,
    reason: run.why,
    noop: run.noop,
    startedAt: run.startedAt,
    endedAt: ports.clock.now(),
    exit: run.exit,
    results,
    diskError: orUndefined(() => diskErrorOf(paths.runs)),
    failOnErrorLines: config.run.fail_on_error_lines,
    environmentDirectories: environmentDirectories(agent, active),
    runDirectory,
  });
  logOutcome(agent, summary);
  keepRun(agent, active, summary);
  const { deny, promote, max_bytes } = config.facts;
  return {
    summary,
    changes: changedValues(results.report),
    facts: collectFacts(results.facts, { deny, promote, maxBytes: max_bytes }),
    slowFacts: results.slowFacts ?? [],
  };
}

/**
 * Returns what the state keeps of a run of the whole catalog. It keeps nothing of a run that the
 * agent itself ended, or that ended early without an agent, so the next poll repeats it. A run that
 * another process killed is not repeated: on a host that is short of memory it would be killed at
 * every poll.
 */
export function rememberRun(
  agent: Pick<Agent, 'config' | 'ports' | 'identity'>,
  { state, active, refresh }: Pick<Findings, 'state' | 'active' | 'refresh'>,
  { summary, changes = [] }: RunResult,
  exit: PuppetExit,
): Partial<HostState> {
  const { status } = summary;
  const isRepeated =
    exit.kind === 'killed' ? exit.why === 'stopped' : exit.kind === 'unseen' && status === 'killed';
  if (active === null || isRepeated) return {};
  const isGood = status === 'unchanged' || status === 'changed';
  // A release that the tree does not offer with these versions may be the choice of a revoked key.
  const isOffered =
    refresh?.kind === 'verified' &&
    refresh.offer.kind === 'offered' &&
    refresh.offer.sha256 === active.sha256;
  const good = isOffered
    ? goodAfterRun(active, agent.identity.environment, refresh.trust.versions)
    : state.good;
  return {
    lastRunRelease: active.sha256,
    retry: nextRetry(agent, { state, active }, isGood || status === 'pending'),
    held: null,
    changes: countChanges(state.changes, changes, summary),
    bad: badAfterRun(state.bad, {
      release: active,
      run: summary,
      lastGood: state.lastGoodRelease,
      offeredBy: refresh?.kind === 'verified' ? refresh.offeredBy : undefined,
      isOffline: refresh?.kind === 'failed' && refresh.error.code.startsWith('S3_'),
      now: new Date(agent.ports.clock.now()).toISOString(),
    }),
    ...(isGood ? { lastGoodRelease: active.sha256, good } : {}),
  };
}

/**
 * Returns what the state keeps of a run outside `apply_window`. A run that the agent itself ended
 * is repeated.
 */
export function rememberOutsideWindow(
  { sha256: release }: ActiveRelease,
  { status, killedBy }: RunSummary,
): Partial<HostState> {
  if (killedBy === 'stopped') return {};
  return { held: { release, isOwed: status !== 'unchanged' } };
}

/** Returns whether and when a run of the active release is tried again. */
export function nextRetry(
  { config, ports }: Pick<Agent, 'config' | 'ports'>,
  { state, active }: { readonly state: HostState; readonly active: { readonly sha256: string } },
  isGood: boolean,
): HostState['retry'] {
  const run = { release: active.sha256, isGood, now: ports.clock.now() };
  return retryAfterRun(state.retry, run, config.run.retry);
}

function environmentDirectories(
  { paths, identity: { environment } }: Agent,
  active: ActiveRelease | null,
): readonly string[] {
  const { environments } = active === null ? paths : releasePaths(paths, active.sha256);
  return [join(environments, environment), join(paths.view, environment)];
}

function logOutcome({ ports }: Agent, run: RunSummary): void {
  const fields = {
    runId: run.id,
    status: run.status,
    code: run.errorCode,
    changed: run.noop ? undefined : run.resources?.changed,
    wouldChange: wouldChange(run),
    failed: run.resources?.failed,
    seconds: run.durationSeconds,
    error: run.error,
  };
  if (isFailure(run)) ports.log.error('run.ended', fields);
  else ports.log.info('run.ended', fields);
}
