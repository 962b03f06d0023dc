import { createHash } from 'node:crypto';
import type {
  ActiveRelease,
  RunSummary,
  SlowFact,
  StatusDocument,
} from '../../../bucket/documents/status.ts';

/** Who this host is: the part of the status that config and packages decide. */
export interface Identity {
  readonly certname: string;
  readonly tree: string;
  readonly environment: string;
  readonly groups: readonly string[];
  readonly agentVersion: string;
  readonly nodeVersion: string;
}

/** What one cycle found out. What it did not touch is undefined and stays as the last status had it. */
export interface News {
  readonly now: number;
  readonly heartbeatSeconds: number;
  readonly disabled: StatusDocument['disabled'];
  readonly release: ActiveRelease | null;
  readonly offered: StatusDocument['offered'];
  readonly vitals: StatusDocument['vitals'];
  readonly trust?: StatusDocument['trust'] | undefined;
  readonly run?: RunSummary | undefined;
  readonly puppetVersion?: string | undefined;
  readonly facterVersion?: string | undefined;
  readonly facts?:
    | { readonly promoted: Record<string, unknown>; readonly digest: string }
    | undefined;
  readonly slowFacts?: readonly SlowFact[] | undefined;
  readonly checked: boolean;
  readonly downloaded: boolean;
  readonly activated: boolean;
}

/** The next status document: the last one, changed by the news. */
export function nextStatus(
  last: StatusDocument | null,
  identity: Identity,
  news: News,
): StatusDocument {
  const now = new Date(news.now).toISOString();
  const ran = news.run !== undefined && news.run.status !== 'skipped';
  const slowFacts = [...(news.slowFacts ?? last?.slowFacts ?? [])];
  return {
    schemaVersion: 1,
    certname: identity.certname,
    tree: identity.tree,
    environment: identity.environment,
    groups: [...identity.groups],
    versions: {
      agent: identity.agentVersion,
      node: identity.nodeVersion,
      puppet: news.puppetVersion ?? last?.versions.puppet ?? null,
      facter: news.facterVersion ?? last?.versions.facter ?? null,
    },
    writtenAt: now,
    release: news.release,
    offered: news.offered,
    trust: news.trust ?? last?.trust ?? NO_TRUST,
    run: news.run ?? last?.run ?? null,
    times: {
      lastCheckAt: news.checked ? now : (last?.times.lastCheckAt ?? null),
      lastDownloadAt: news.downloaded ? now : (last?.times.lastDownloadAt ?? null),
      lastActivationAt: news.activated ? now : (last?.times.lastActivationAt ?? null),
      lastRunAt: ran ? news.run.startedAt : (last?.times.lastRunAt ?? null),
      lastSuccessAt:
        news.run !== undefined && isSuccess(news.run) ? now : (last?.times.lastSuccessAt ?? null),
      // A host writes at least once a heartbeat: after two it is late.
      nextExpectedAt: new Date(news.now + 2000 * news.heartbeatSeconds).toISOString(),
    },
    disabled: news.disabled,
    offline: {
      runs: (last?.offline.runs ?? 0) + (ran ? 1 : 0),
      skipped: (last?.offline.skipped ?? 0) + (news.run?.status === 'skipped' ? 1 : 0),
    },
    vitals: news.vitals,
    facts: news.facts?.promoted ?? last?.facts ?? {},
    factsDigest: news.facts?.digest ?? last?.factsDigest ?? null,
    ...(slowFacts.length > 0 ? { slowFacts } : {}),
  };
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
 * sha256 over what is worth an upload of its own. Times, vitals, slow facts and the run's id and duration are not: a
 * run that changed nothing, like the one before, waits for the heartbeat. PUTs are the bill (ADR 0004).
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

/** Whether the status is to be uploaded now: something meaningful changed, or the heartbeat is due. */
export function isUploadDue(
  digest: string,
  uploaded: { readonly at: string; readonly digest: string } | null,
  now: number,
  heartbeatSeconds: number,
): boolean {
  if (uploaded === null || uploaded.digest !== digest) return true;
  const age = now - Date.parse(uploaded.at);
  // A clock that was set back must not silence the host.
  return age >= heartbeatSeconds * 1000 || age < 0;
}

const FACTS_REFRESH_MS = 24 * 3_600_000;

/** Facts go up when a stable one changed, and once a day so that the bucket's lifecycle never expires a live host. */
export function areFactsDue(
  digest: string,
  uploaded: { readonly at: string; readonly digest: string } | null,
  now: number,
): boolean {
  if (uploaded === null || uploaded.digest !== digest) return true;
  const age = now - Date.parse(uploaded.at);
  return age >= FACTS_REFRESH_MS || age < 0;
}
