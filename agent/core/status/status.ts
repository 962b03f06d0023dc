import { createHash } from 'node:crypto';
import type { RunSummary, StatusDocument } from '../../../bucket/documents/status.ts';
import type { Findings } from '../findings.ts';
import { fightsOf } from '../run/fights.ts';
import { isFailure } from '../run/run-summary.ts';
import type { WindowState } from '../when/apply-window.ts';
import type { Pin } from '../when/pin.ts';
import { recentOtherWriter } from './other-writer.ts';
import { trustOf } from './trust-status.ts';

/*
 * The status document: this file makes it, trust-status.ts its part on the metadata, and
 * status-text.ts prints it. needs-cycle.ts compares it with an idle poll.
 */

/**
 * The identity of this host: the part of the status that depends on configuration and package only.
 */
export interface Identity {
  readonly certname: string;
  readonly tree: string;
  readonly environment: string;
  readonly groups: readonly string[];
  /** Null when the machine has no ids. */
  readonly hostId: string | null;
  readonly agentVersion: string;
  readonly nodeVersion: string;
}

/** The parts of the status that a cycle does not find out. */
export interface StatusContext {
  /** ms since 1970. */
  readonly now: number;
  readonly heartbeatSeconds: number;
  readonly vitals: StatusDocument['vitals'];
  readonly window: WindowState;
  readonly pin?: Pin | undefined;
}

/**
 * Returns the next status document. Values that the cycle did not determine come from the last
 * status.
 */
export function nextStatus(
  last: StatusDocument | null,
  identity: Identity,
  findings: Findings,
  { vitals, window, pin, ...context }: StatusContext,
): StatusDocument {
  const now = new Date(context.now).toISOString();
  const { active, disabled, refresh, install, run } = findings;
  const facts = run?.facts;
  const ran = run !== undefined && run.summary.status !== 'skipped';
  const otherWriter = recentOtherWriter(last, context.now);
  const retry = retryOf(findings);
  const fights = fightsOf(findings.state.changes);
  const hooks = (findings.hooks ?? last?.hooks ?? []).slice(0, MOST_LISTED);
  const slowFacts = [...(run?.slowFacts ?? last?.slowFacts ?? [])];
  return {
    schemaVersion: 1,
    certname: identity.certname,
    tree: identity.tree,
    environment: identity.environment,
    groups: [...identity.groups],
    hostId: identity.hostId,
    ...(otherWriter !== undefined ? { otherWriter } : {}),
    versions: {
      agent: identity.agentVersion,
      node: identity.nodeVersion,
      puppet: run?.puppetVersion ?? last?.versions.puppet ?? null,
      facter: facts?.facterVersion ?? last?.versions.facter ?? null,
    },
    writtenAt: now,
    release: active,
    offered: offeredRelease(findings),
    trust: trustOf(findings) ?? last?.trust ?? NO_TRUST,
    run: run?.summary ?? last?.run ?? null,
    ...(hooks.length > 0 ? { hooks } : {}),
    ...(findings.state.bad.length > 0 ? { bad: findings.state.bad } : {}),
    ...(fights !== undefined ? { fights } : {}),
    ...(retry !== undefined ? { retry } : {}),
    ...(findings.state.deferred === null ? {} : { deferred: findings.state.deferred }),
    ...(pin === undefined ? {} : { pin: pinStatus(pin) }),
    ...(window.isOpen ? {} : { window: { opensAt: window.opensAt, why: window.why } }),
    times: {
      lastCheckAt: refresh?.kind === 'verified' ? now : (last?.times.lastCheckAt ?? null),
      lastDownloadAt: install?.downloaded === true ? now : (last?.times.lastDownloadAt ?? null),
      lastActivationAt:
        install?.kind === 'installed' ? now : (last?.times.lastActivationAt ?? null),
      lastRunAt: ran ? run.summary.startedAt : (last?.times.lastRunAt ?? null),
      lastSuccessAt:
        run !== undefined && isSuccess(run.summary) ? now : (last?.times.lastSuccessAt ?? null),
      // A host sends at least one status per heartbeat. After two of them it is late.
      nextExpectedAt: new Date(context.now + 2000 * context.heartbeatSeconds).toISOString(),
    },
    disabled,
    offline: offlineRuns(last?.offline, run?.summary),
    vitals,
    facts: facts?.promoted ?? last?.facts ?? {},
    factsDigest: facts?.digest ?? last?.factsDigest ?? null,
    ...(slowFacts.length > 0 ? { slowFacts } : {}),
  };
}

/** Adds a run to those that no upload has reported yet. */
function offlineRuns(
  last: StatusDocument['offline'] | undefined,
  run: RunSummary | undefined,
): StatusDocument['offline'] {
  const isSkipped = run?.status === 'skipped';
  const failed = (last?.failed ?? 0) + (run !== undefined && isFailure(run) ? 1 : 0);
  return {
    runs: (last?.runs ?? 0) + (run !== undefined && !isSkipped ? 1 : 0),
    skipped: (last?.skipped ?? 0) + (isSkipped ? 1 : 0),
    ...(failed > 0 ? { failed } : {}),
  };
}

/** The longest list in the status, for lists without a count of their own. */
const MOST_LISTED = 10;

function pinStatus({ release, ...pin }: Pin): NonNullable<StatusDocument['pin']> {
  return { ...pin, release: release?.version ?? null };
}

/** The release that is offered but not active. */
function offeredRelease({ state, active, refresh, install }: Findings): StatusDocument['offered'] {
  if (refresh?.kind !== 'verified') return null;
  const { release, offer } = refresh;
  if (release === undefined || release.sha256 === active?.sha256) return null;
  // The code of the error and not its message, which may differ at each poll and would then cause
  // an upload each time.
  const failure = install?.kind === 'failed' ? `not installed: ${install.error.code}` : undefined;
  const isBad = state.bad.some(({ sha256 }) => sha256 === release.sha256);
  const pending = isBad
    ? 'bad on this host: the last good release is applied'
    : 'not installed yet';
  const why = 'why' in offer ? offer.why : (failure ?? pending);
  return { version: release.custom.version, sha256: release.sha256, why: why.slice(0, 500) };
}

/** The tries of another release do not count. */
function retryOf({ state: { retry }, active }: Findings): StatusDocument['retry'] {
  if (retry === null || retry.release !== active?.sha256) return undefined;
  const { failed, of, at } = retry;
  return { try: Math.min(failed, of), of, at };
}

const NO_TRUST: StatusDocument['trust'] = {
  state: 'unknown',
  error: null,
  versions: {},
  daysToExpiry: {},
  clockOffsetSeconds: null,
};

function isSuccess(run: RunSummary): boolean {
  return run.status === 'unchanged' || run.status === 'changed' || run.status === 'pending';
}

/**
 * Returns the sha256 of the meaningful part of the status. When it changes, the status is uploaded
 * at once. Not meaningful are times, vitals, slow facts, another writer, the output of hooks, and
 * the id and duration of a run. A run that changed nothing, like the one before, is reported with
 * the next heartbeat, because each PUT costs money (ADR 0004).
 */
export function meaningfulDigest(status: StatusDocument): string {
  const {
    writtenAt: _,
    times: __,
    vitals: ___,
    offline: ____,
    slowFacts: _____,
    otherWriter: ______,
    ...meant
  } = status;
  const { trust, run, hooks = [], ...rest } = meant;
  const eventful = run !== null && run.status !== 'unchanged' && run.status !== 'skipped';
  const meaningful = {
    ...rest,
    trust: { state: trust.state, error: trust.error?.code ?? null, versions: trust.versions },
    run: eventful ? run : quietRun(run),
    // The output of a hook may differ at each run.
    hooks: hooks.map(({ stage, name, why }) => [stage, name, why]),
  };
  return createHash('sha256').update(JSON.stringify(meaningful)).digest('hex');
}

/**
 * The meaningful part of a run that changed nothing or was skipped. The texts of problems are left
 * out because they may contain the id of the run.
 */
function quietRun(run: RunSummary | null): object {
  const reason = run?.status === 'skipped' && run.reason;
  return { status: run?.status, reason, errors: run?.errors, problems: run?.problems?.length };
}

/** No status has this digest. It is stored while the result of an upload is not known. */
export const NO_DIGEST = '0'.repeat(64);

/** Whether to upload the status now: something meaningful changed, or the heartbeat is due. */
export function isUploadDue(
  digest: string,
  uploaded: { readonly at: string; readonly digest: string } | null,
  now: number,
  heartbeatSeconds: number,
): boolean {
  if (uploaded === null || uploaded.digest !== digest) return true;
  const age = now - Date.parse(uploaded.at);
  // After a clock was set back, the host must still report.
  return age >= heartbeatSeconds * 1000 || age < 0;
}

const FACTS_REFRESH_MS = 24 * 3_600_000;

/**
 * Whether to upload the facts now: when a stable fact changed, and once a day, so that a lifecycle
 * rule of the bucket never removes the facts of a live host.
 */
export function areFactsDue(
  digest: string,
  uploaded: { readonly at: string; readonly digest: string } | null,
  now: number,
): boolean {
  if (uploaded === null || uploaded.digest !== digest) return true;
  const age = now - Date.parse(uploaded.at);
  return age >= FACTS_REFRESH_MS || age < 0;
}
