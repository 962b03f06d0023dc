import { join } from 'node:path';
import type { ActiveRelease, RunSummary } from '../../../bucket/documents/status.ts';
import type { Agent } from '../../agent.ts';
import { collectFacts } from '../../core/facts/facts.ts';
import type { RunResult } from '../../core/findings.ts';
import { outcomeOf } from '../../core/run/outcome.ts';
import type { PuppetExit } from '../../core/run/puppet-run.ts';
import type { HostState } from '../../core/state.ts';
import { releasePaths } from '../../paths.ts';

/** A run of Puppet that is over. */
export interface EndedRun {
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
  run: EndedRun,
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
    failOnErrorLines: config.run.fail_on_error_lines,
    environmentDirectory: environmentDirectory(agent, active),
    runDirectory,
  });
  logOutcome(agent, summary);
  const { deny, promote, max_bytes } = config.facts;
  return {
    summary,
    facts: collectFacts(results.facts, { deny, promote, maxBytes: max_bytes }),
    slowFacts: results.slowFacts ?? [],
  };
}

/**
 * What the state remembers of a run of the whole catalog. Nothing for a run that the agent itself
 * ended, or that broke off unseen: the next poll then repeats it. A run that somebody else killed
 * is not repeated: on a host that is short of memory it would be killed at every poll.
 */
export function rememberRun(
  active: ActiveRelease | null,
  { status }: RunSummary,
  exit: PuppetExit,
): Partial<HostState> {
  const isRepeated =
    exit.kind === 'killed' ? exit.why === 'stopped' : exit.kind === 'unseen' && status === 'killed';
  if (active === null || isRepeated) return {};
  const isGood = status === 'unchanged' || status === 'changed';
  return {
    lastRunRelease: active.sha256,
    ...(isGood ? { lastGoodRelease: active.sha256 } : {}),
  };
}

function environmentDirectory({ paths, identity }: Agent, active: ActiveRelease | null): string {
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
