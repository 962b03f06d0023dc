import type { RunSummary } from '../bucket/documents/status.ts';
import { cleanText } from '../shared/clean-text.ts';
import { CodedError } from '../shared/coded-error.ts';
import { asFileError } from '../shared/disk-error.ts';
import type { Agent, CycleRequest } from './agent.ts';
import { type Decision, decide, deferred, type View } from './core/decide.ts';
import { errorOf, type Findings, type Found, mergeFindings, offerOf } from './core/findings.ts';
import { badNow } from './core/health/health.ts';
import type { Offer } from './core/offer/offer.ts';
import { skippedRun } from './core/run/run-summary.ts';
import type { HostState } from './core/state.ts';
import { OPEN, windowAt } from './core/when/apply-window.ts';
import { keepReserves } from './disk/reserve.ts';
import type { LogFields } from './ports.ts';
import { checkDisk } from './steps/check-disk.ts';
import { findDeferral } from './steps/deferral.ts';
import { readDisabled } from './steps/disabled.ts';
import { install } from './steps/install.ts';
import { prune } from './steps/prune.ts';
import { readHost } from './steps/read-host.ts';
import { refresh } from './steps/refresh.ts';
import { report } from './steps/report.ts';
import { apply } from './steps/run/apply.ts';
import { hasHooksAfter, runHooksAfter } from './steps/run/hooks.ts';
import { finishInterruptedRuns } from './steps/run/interrupted-runs.ts';
import { findRollback, rollBack } from './steps/run/roll-back.ts';
import { saveState } from './steps/save-state.ts';

/** How a cycle ended, for the exit code. */
export interface CycleEnd {
  readonly decision: Decision;
  readonly run: RunSummary | undefined;
  /** The error that prevented the installation of a newer release. */
  readonly error: CodedError | undefined;
}

/**
 * One cycle from top to bottom: ask the bucket, decide, install, run Puppet, report. The caller
 * holds the cycle lock. Each step is in a file of `steps/` and returns what it found; only this
 * function merges. The report step always writes and sends a status, above all after a failure.
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
    // The report must come before the hooks: they must not delay it, and a kill during a hook must
    // not lose the run.
    const reportBeforeHooks = async (run: RunSummary): Promise<void> => {
      merge(await report(agent, findings));
      merge(await runHooksAfter(agent, findings, run, stop));
    };
    merge(checkDisk(agent, request, findings));
    if (findings.blocked === undefined) {
      for await (const run of finishInterruptedRuns(agent, findings, stop)) {
        merge({ ...run, hooks: [] });
        await reportBeforeHooks(run.run.summary);
      }
    }
    merge({ disabled: readDisabled(agent.paths, agent.ports) });
    const mayAsk = findings.disabled === null && findings.blocked === undefined;
    if (mayAsk) merge(await refresh(agent, request, findings, stop));
    let decision = decide(viewOf(agent, request, findings));
    const deferral = await findDeferral(agent, request, findings, decision);
    merge({ state: { deferred: deferral ?? null } });
    if (deferral !== undefined) decision = deferred(decision, deferral.why);
    if (decision.install) {
      merge(await install(agent, request, findings, stop));
      // A release whose installation failed does not count as offered, so a run of the active one
      // may be due.
      if (errorOf(findings) !== undefined) decision = decide(viewOf(agent, request, findings));
    }
    if (decision.skipped !== 'deferred' && !request.isTrial)
      merge(await rememberEtag(agent, findings));
    // A blocked cycle has logged its reason.
    if (findings.blocked === undefined) logDecision(agent, request, findings, decision);
    const runAndHooks = async (todo: Decision): Promise<RunSummary | undefined> => {
      merge({ state: { decision: recordOf(agent, request, todo) } });
      if (todo.rollback !== undefined) merge(rollBack(agent, findings));
      merge(await runOrSkip(agent, request, findings, todo, stop));
      const run = findings.run?.summary;
      const mayReport = !request.lockLost.aborted && !request.isTrial;
      if (mayReport && run !== undefined && hasHooksAfter(agent, run)) await reportBeforeHooks(run);
      return run;
    };
    const run = await runAndHooks(decision);
    if (decision.run !== 'no' && !request.isTrial && !stop.aborted) {
      const next = decide({ ...viewOf(agent, request, findings), trigger: 'poll' });
      if (next.rollback !== undefined) {
        // The run of a bad release is the outcome of this cycle: report it before the next run.
        merge(await report(agent, findings));
        logDecision(agent, request, findings, next);
        await runAndHooks(next);
      }
    }
    return { decision, run, error: errorOf(findings) };
  } catch (thrown) {
    const error = asFileError(thrown);
    // Logged here because a failing report would replace the error. The caller logs a stop.
    if (!stop.aborted) agent.ports.log.error('cycle.failed', failureOf(error));
    throw error;
  } finally {
    // Another cycle may be writing here when the lock was lost.
    if (!request.lockLost.aborted) await reportAndPrune(agent, request, findings);
  }
}

/** With `keepsRelease`. A stop that the state remembers still counts: see `decide`. */
function notAsked({ identity: { environment } }: Agent, { active }: Findings): Offer {
  const what = active === null ? `no release of ${environment} is on this host, and ` : '';
  return { kind: 'nothing', why: `${what}the bucket was not asked` };
}

function viewOf(agent: Agent, request: CycleRequest, findings: Findings): View {
  const { state, active, disabled, blocked, refresh } = findings;
  const offeredBy = refresh?.kind === 'verified' ? refresh.offeredBy : undefined;
  const now = agent.ports.clock.now();
  return {
    trigger: request.trigger,
    disabled: disabled ?? undefined,
    blocked,
    offer: request.keepsRelease ? notAsked(agent, findings) : offerOf(findings),
    stopped: state.stopped,
    onExpired: agent.config.on_expired,
    active: active?.sha256,
    lastRun: state.lastRunRelease ?? undefined,
    retry: state.retry,
    held: state.held,
    wasDeferred: state.deferred !== null,
    bad: badNow(state.bad, offeredBy).map(({ sha256 }) => sha256),
    rollback: findRollback(agent, findings)?.sha256,
    window: request.noop || request.ignoreWindow ? OPEN : windowAt(agent.config.apply_window, now),
    now,
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
  const { run, why, skipped, isOutsideWindow = false } = decision;
  const now = agent.ports.clock.now();
  if (stop.aborted) {
    return { run: { summary: skippedRun('the agent was stopped before Puppet ran', now) } };
  }
  if (run !== 'no') {
    return await apply(
      agent,
      request,
      findings,
      { noop: run === 'noop', why, isOutsideWindow },
      stop,
    );
  }
  // No run is due at a poll: the status keeps the last one, and has the reason in other fields.
  if (skipped === undefined || request.trigger === 'poll') return {};
  return { run: { summary: skippedRun(why, now) } };
}

/** The decision as the state keeps it, for `mm-agent why`. */
function recordOf(
  { ports }: Agent,
  { trigger }: CycleRequest,
  { run, why }: Decision,
): HostState['decision'] {
  const at = new Date(ports.clock.now()).toISOString();
  return { at, trigger, run, why: cleanText(why, 1000) };
}

/**
 * A skipped run is a warning. The code of an error replaces its message, which the step has already
 * logged.
 */
function logDecision(
  { ports }: Agent,
  { trigger }: CycleRequest,
  findings: Findings,
  { run, why, skipped, isOutsideWindow }: Decision,
): void {
  const error = errorOf(findings);
  const short = error === undefined ? why : why.replace(error.message, error.code);
  const isOverruled = isOutsideWindow === true && trigger === 'asked';
  const isWarning = (skipped !== undefined && trigger !== 'poll') || isOverruled;
  const help = isOverruled ? 'to apply it now: mm-agent --once --ignore-window' : 'mm-agent why';
  const next = isWarning ? help : undefined;
  ports.log[isWarning ? 'warn' : 'info']('cycle.decided', { run, why: short, next });
}

/** An error without a code is a defect, so its stack is logged. */
function failureOf(error: unknown): LogFields {
  if (!(error instanceof CodedError)) {
    return { error: String(error instanceof Error ? error.stack : error) };
  }
  const { code, message, next } = error;
  return { code, error: message, next };
}

async function reportAndPrune(
  agent: Agent,
  { isTrial }: CycleRequest,
  findings: Findings,
): Promise<void> {
  try {
    if (isTrial) agent.ports.log.info('status.kept', { why: TRIAL });
    else await report(agent, findings);
  } finally {
    if (findings.blocked === undefined) {
      // Also after a failed write: pruning frees disk space.
      pruneIfPossible(agent, findings);
      keepReserves(agent.paths);
    }
  }
}

const TRIAL = 'a noop run by hand that is not reported; the status of this host stays as it was';

function pruneIfPossible(agent: Agent, { state }: Findings): void {
  try {
    prune(agent.paths, {
      keep: agent.config.releases.keep,
      lastGood: state.lastGoodRelease ?? undefined,
      pinned: agent.pin?.release?.sha256,
      // With --environment, the environment of the configuration must keep its release, too.
      environments: [agent.config.environment, agent.identity.environment],
      keepRuns: agent.config.run.keep,
      now: agent.ports.clock.now(),
    });
  } catch (error) {
    agent.ports.log.warn('prune.failed', failureOf(asFileError(error)));
  }
}
