import { createHash } from 'node:crypto';
import type { RunSummary, StatusDocument } from '../../../bucket/documents/status.ts';
import type { Findings } from '../findings.ts';
import { trustOf } from './trust-status.ts';

/** Who this host is: the part of the status that the configuration and the package decide. */
export interface Identity {
  readonly certname: string;
  readonly tree: string;
  readonly environment: string;
  readonly groups: readonly string[];
  readonly agentVersion: string;
  readonly nodeVersion: string;
}

/** What the status says besides what the cycle found. */
export interface StatusContext {
  /** ms since 1970. */
  readonly now: number;
  readonly heartbeatSeconds: number;
  readonly vitals: StatusDocument['vitals'];
}

/** The next status document. What the cycle did not find out stays as the last status has it. */
export function nextStatus(
  last: StatusDocument | null,
  identity: Identity,
  findings: Findings,
  { vitals, ...context }: StatusContext,
): StatusDocument {
  const now = new Date(context.now).toISOString();
  const { active, disabled, refresh, install, run } = findings;
  const facts = run?.facts;
  const ran = run !== undefined && run.summary.status !== 'skipped';
  const slowFacts = [...(run?.slowFacts ?? last?.slowFacts ?? [])];
  return {
    schemaVersion: 1,
    certname: identity.certname,
    tree: identity.tree,
    environment: identity.environment,
    groups: [...identity.groups],
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
    offline: {
      runs: (last?.offline.runs ?? 0) + (ran ? 1 : 0),
      skipped: (last?.offline.skipped ?? 0) + (run?.summary.status === 'skipped' ? 1 : 0),
    },
    vitals,
    facts: facts?.promoted ?? last?.facts ?? {},
    factsDigest: facts?.digest ?? last?.factsDigest ?? null,
    ...(slowFacts.length > 0 ? { slowFacts } : {}),
  };
}

/** What is offered and not active. */
function offeredRelease({ active, refresh, install }: Findings): StatusDocument['offered'] {
  if (refresh?.kind !== 'verified') return null;
  const { release, offer } = refresh;
  if (release === undefined || release.sha256 === active?.sha256) return null;
  // Not the message, which may differ from poll to poll: each change would be an upload.
  const failure = install?.kind === 'failed' ? `not installed: ${install.error.code}` : undefined;
  const why = 'why' in offer ? offer.why : (failure ?? 'not installed yet');
  return { version: release.custom.version, sha256: release.sha256, why: why.slice(0, 500) };
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
 * sha256 of the meaningful part of the status: when it changes, the status is uploaded at once.
 * Times, vitals, slow facts and the id and duration of a run are not meaningful. A run that changed
 * nothing, like the one before, waits for the heartbeat, because each PUT costs money (ADR 0004).
 */
export function meaningfulDigest(status: StatusDocument): string {
  const {
    writtenAt: _,
    times: __,
    vitals: ___,
    offline: ____,
    slowFacts: _____,
    ...meant
  } = status;
  const { trust, run, ...rest } = meant;
  const eventful = run !== null && run.status !== 'unchanged' && run.status !== 'skipped';
  const meaningful = {
    ...rest,
    trust: { state: trust.state, error: trust.error?.code ?? null, versions: trust.versions },
    run: eventful ? run : { status: run?.status, reason: run?.status === 'skipped' && run.reason },
  };
  return createHash('sha256').update(JSON.stringify(meaningful)).digest('hex');
}

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
