import type { RunSummary } from '../bucket/documents/status.ts';
import { CodedError } from '../shared/coded-error.ts';
import type { Agent, CycleRequest } from './agent.ts';
import { type Decision, decide } from './core/decide.ts';
import type { Draft } from './core/draft.ts';
import { skippedRun } from './core/run/run-summary.ts';
import { trustAfterError } from './core/status/trust-status.ts';
import { apply, finishInterruptedRun } from './steps/apply.ts';
import { readDisabled } from './steps/disabled.ts';
import { openDraft } from './steps/open-draft.ts';
import { prune } from './steps/prune.ts';
import { refresh } from './steps/refresh.ts';
import { refusal, refusedBefore } from './steps/refused.ts';
import { report } from './steps/report.ts';
import { saveState } from './steps/save-state.ts';
import { take } from './steps/take.ts';

/** How a cycle ended, for the exit code. */
export interface CycleEnd {
  readonly decision: Decision;
  readonly run: RunSummary | undefined;
  /** What kept the cycle from taking what is new. */
  readonly error: CodedError | undefined;
}

/**
 * One cycle, told from top to bottom; the caller holds the cycle lock. The draft gathers what happens on the way, and
 * whatever happens, the report step writes it down and sends it.
 *
 * What is active is where the environment's link points. The ETag is remembered only when the release that it leads to
 * is active (I3): a cycle that was killed at any line is begun again by the next one.
 */
export async function cycle(
  agent: Agent,
  request: CycleRequest,
  stop: AbortSignal,
): Promise<CycleEnd> {
  const draft = await openDraft(agent);
  try {
    if (await finishInterruptedRun(agent, draft, stop)) await report(agent, draft);
    draft.disabled = readDisabled(agent.paths, agent.ports);
    if (draft.disabled === null) await refresh(agent, request, draft, stop);
    const decision = await takeWhatIsNew(agent, request, draft, stop);
    await rememberEtag(agent, draft);
    agent.ports.log.info('cycle.decided', { run: decision.run, why: decision.why });
    await runOrSkip(agent, request, draft, decision, stop);
    return { decision, run: draft.run, error: draft.error };
  } catch (error) {
    // Said here, for a report that fails as well would hide it. That it was told to stop the caller says.
    if (!stop.aborted) agent.ports.log.error('cycle.failed', { error: String(error) });
    throw error;
  } finally {
    // Whoever holds the lock now writes here, not we.
    if (!request.lockLost.aborted) await reportAndPrune(agent, draft);
  }
}

async function reportAndPrune(agent: Agent, draft: Draft): Promise<void> {
  try {
    await report(agent, draft);
  } finally {
    // Also when nothing could be written: this is what makes room.
    pruneIfPossible(agent, draft);
  }
}

function pruneIfPossible(agent: Agent, draft: Draft): void {
  try {
    prune(agent.paths, {
      keep: agent.config.releases.keep,
      lastGood: draft.state.lastGoodRelease ?? undefined,
      environment: agent.identity.environment,
      now: agent.ports.clock.now(),
    });
  } catch (error) {
    agent.ports.log.warn('prune.failed', { error: String(error) });
  }
}

/** Last of all that taking a release writes; a 304 to come then means that nothing was left undone. */
async function rememberEtag(agent: Agent, draft: Draft): Promise<void> {
  const { pendingEtag, state, error } = draft;
  if (pendingEtag === null || error !== undefined) return;
  const { environment, value } = pendingEtag;
  if (state.etag?.environment === environment && state.etag.value === value) return;
  draft.state = { ...state, etag: pendingEtag };
  await saveState(agent, draft.state);
}

/** A release that cannot be taken is an offer like none: the active one stays, and is run if a run is due. */
async function takeWhatIsNew(
  agent: Agent,
  request: CycleRequest,
  draft: Draft,
  stop: AbortSignal,
): Promise<Decision> {
  const decision = decide(viewOf(agent, request, draft));
  if (!decision.take) return decision;
  const refused = refusedBefore(agent, request, draft);
  const error = refused ?? (await tryToTake(agent, draft, stop));
  if (error === undefined) return decision;
  agent.ports.log.error('release.not-taken', { code: error.code, error: error.message });
  draft.error = error;
  draft.trust = trustAfterError(draft.trust, error);
  draft.offer = { kind: 'unknown', code: error.code, why: error.message };
  return decide(viewOf(agent, request, draft));
}

async function tryToTake(
  agent: Agent,
  draft: Draft,
  stop: AbortSignal,
): Promise<CodedError | undefined> {
  try {
    await take(agent, draft, stop);
    draft.state = { ...draft.state, refused: null };
    return undefined;
  } catch (error) {
    if (!(error instanceof CodedError) || stop.aborted) throw error;
    draft.state = { ...draft.state, refused: refusal(agent, draft, error) };
    return error;
  }
}

async function runOrSkip(
  agent: Agent,
  request: CycleRequest,
  draft: Draft,
  decision: Decision,
  stop: AbortSignal,
): Promise<void> {
  if (stop.aborted) {
    draft.run = skippedRun('the agent was told to stop before Puppet ran', agent.ports.clock.now());
    return;
  }
  if (decision.run !== 'no') {
    await apply(agent, request, draft, { noop: decision.run === 'noop', why: decision.why }, stop);
    return;
  }
  // A poll owes no run: the last one stays in the status, and `disabled`, `trust` and `offered` say the rest.
  if (decision.skipped === undefined || request.trigger === 'poll') return;
  agent.ports.log.warn('run.skipped', { why: decision.why });
  draft.run = skippedRun(decision.why, agent.ports.clock.now());
}

function viewOf(agent: Agent, request: CycleRequest, draft: Draft): Parameters<typeof decide>[0] {
  return {
    trigger: request.trigger,
    disabled: draft.disabled ?? undefined,
    offer: draft.offer,
    stopped: draft.state.stopped,
    onExpired: agent.config.on_expired,
    active: draft.active?.sha256,
    lastRun: draft.state.lastRunRelease ?? undefined,
    noop: request.noop,
  };
}
