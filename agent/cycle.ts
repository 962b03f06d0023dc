import type { RunSummary } from '../bucket/documents/status.ts';
import type { CodedError } from '../shared/coded-error.ts';
import type { Agent, CycleRequest } from './agent.ts';
import { type Decision, decide, type View } from './core/decide.ts';
import { errorOf, type Findings, type Found, mergeFindings, offerOf } from './core/findings.ts';
import { skippedRun } from './core/run/run-summary.ts';
import { readDisabled } from './steps/disabled.ts';
import { install } from './steps/install.ts';
import { prune } from './steps/prune.ts';
import { readHost } from './steps/read-host.ts';
import { refresh } from './steps/refresh.ts';
import { report } from './steps/report.ts';
import { apply } from './steps/run/apply.ts';
import { finishInterruptedRuns } from './steps/run/interrupted-runs.ts';
import { saveState } from './steps/save-state.ts';

/** How a cycle ended, for the exit code. */
export interface CycleEnd {
  readonly decision: Decision;
  readonly run: RunSummary | undefined;
  /** What kept the cycle from getting what is new. */
  readonly error: CodedError | undefined;
}

/**
 * One cycle from top to bottom: ask the bucket, decide, install, run Puppet, report. The caller
 * holds the cycle lock. Each step is in a file of `steps/` and returns what it found; only this
 * function merges. Whatever happens, the report step writes a status of it and sends it.
 *
 * The active release is the one that the environment's link points to. The ETag is remembered only
 * when the release that it leads to is active (I3): after a kill at any line, the next cycle starts
 * again.
 */
export async function cycle(
  agent: Agent,
  request: CycleRequest,
  stop: AbortSignal,
): Promise<CycleEnd> {
  let findings = await readHost(agent);
  const merge = (found: Found): void => {
    findings = mergeFindings(findings, found);
  };
  try {
    for await (const run of finishInterruptedRuns(agent, findings.active, stop)) {
      merge(run);
      merge(await report(agent, findings));
    }
    merge({ disabled: readDisabled(agent.paths, agent.ports) });
    if (findings.disabled === null) merge(await refresh(agent, request, findings, stop));
    let decision = decide(viewOf(agent, request, findings));
    if (decision.install) {
      merge(await install(agent, request, findings, stop));
      // A release that could not be installed is not an offer: the active one may be due for a run.
      if (errorOf(findings) !== undefined) decision = decide(viewOf(agent, request, findings));
    }
    merge(await rememberEtag(agent, findings));
    logDecision(agent, request, findings, decision);
    merge(await runOrSkip(agent, request, findings, decision, stop));
    return { decision, run: findings.run?.summary, error: errorOf(findings) };
  } catch (error) {
    // Logged here because a failing report would replace the error. The caller logs a stop.
    if (!stop.aborted) agent.ports.log.error('cycle.failed', { error: stackOf(error) });
    throw error;
  } finally {
    // Another cycle writes here once the lock is lost.
    if (!request.lockLost.aborted) await reportAndPrune(agent, findings);
  }
}

function viewOf(agent: Agent, request: CycleRequest, findings: Findings): View {
  const { state, active, disabled } = findings;
  return {
    trigger: request.trigger,
    disabled: disabled ?? undefined,
    offer: offerOf(findings),
    stopped: state.stopped,
    onExpired: agent.config.on_expired,
    active: active?.sha256,
    lastRun: state.lastRunRelease ?? undefined,
    noop: request.noop,
  };
}

/** Must be the last write of an install: a later 304 then means that nothing is missing. */
async function rememberEtag(agent: Agent, findings: Findings): Promise<Found> {
  const { state, refresh, install } = findings;
  if (refresh?.kind !== 'verified' || install?.kind === 'failed') return {};
  const { etag } = refresh;
  const isSame = state.etag?.environment === etag?.environment && state.etag?.value === etag?.value;
  if (isSame) return {};
  await saveState(agent, { ...state, etag });
  return { state: { etag } };
}

async function runOrSkip(
  agent: Agent,
  request: CycleRequest,
  findings: Findings,
  decision: Decision,
  stop: AbortSignal,
): Promise<Found> {
  const { run, why, skipped } = decision;
  const now = agent.ports.clock.now();
  if (stop.aborted) {
    return { run: { summary: skippedRun('the agent was told to stop before Puppet ran', now) } };
  }
  if (run !== 'no') {
    return await apply(agent, request, findings, { noop: run === 'noop', why }, stop);
  }
  // No run is due at a poll: the status keeps the last one, and has the reason in other fields.
  if (skipped === undefined || request.trigger === 'poll') return {};
  return { run: { summary: skippedRun(why, now) } };
}

/** A skipped run is a warning. An error is named by its code: its step has logged the message. */
function logDecision(
  { ports }: Agent,
  { trigger }: CycleRequest,
  findings: Findings,
  { run, why, skipped }: Decision,
): void {
  const error = errorOf(findings);
  const short = error === undefined ? why : why.replace(error.message, error.code);
  const level = skipped === undefined || trigger === 'poll' ? 'info' : 'warn';
  ports.log[level]('cycle.decided', { run, why: short });
}

function stackOf(error: unknown): string {
  return String(error instanceof Error ? error.stack : error);
}

async function reportAndPrune(agent: Agent, findings: Findings): Promise<void> {
  try {
    await report(agent, findings);
  } finally {
    // Also when nothing could be written: pruning makes room.
    pruneIfPossible(agent, findings);
  }
}

function pruneIfPossible(agent: Agent, { state }: Findings): void {
  try {
    prune(agent.paths, {
      keep: agent.config.releases.keep,
      lastGood: state.lastGoodRelease ?? undefined,
      environment: agent.identity.environment,
      now: agent.ports.clock.now(),
    });
  } catch (error) {
    agent.ports.log.warn('prune.failed', { error: String(error) });
  }
}
