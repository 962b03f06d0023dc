import type { OfferedRelease, ReleaseCustom } from '../../bucket/documents/release.ts';
import type {
  ActiveRelease,
  HookFailure,
  RunSummary,
  SlowFact,
  StatusDocument,
} from '../../bucket/documents/status.ts';
import type { CodedError } from '../../shared/coded-error.ts';
import type { CollectedFacts } from './facts/facts.ts';
import type { Offer } from './offer/offer.ts';
import type { ChangedValue } from './run/changed-values.ts';
import type { HostState } from './state.ts';

/**
 * What a cycle knows so far. Each step returns its part, only `cycle.ts` merges the parts, and the
 * report step makes the status document from the result.
 */
export interface Findings {
  /** What the host remembers, with the changes of this cycle. Saved by the report step. */
  readonly state: HostState;
  /** The release that the environment's link points to; null before the first one. */
  readonly active: ActiveRelease | null;
  readonly disabled: StatusDocument['disabled'];
  /** Why this cycle can only report; undefined when it can write its files. */
  readonly blocked?: string | undefined;
  /** Undefined while the bucket has not been asked. */
  readonly refresh: RefreshResult | undefined;
  /** Undefined when there was nothing to install. */
  readonly install: InstallResult | undefined;
  /** The run of this cycle that is not reported yet, or why Puppet did not run. */
  readonly run: RunResult | undefined;
  /** The hooks of the last run that failed. Undefined when this cycle made no run. */
  readonly hooks?: readonly HookFailure[] | undefined;
}

/** What one step found: its fields replace those of {@link Findings}, `state` key by key. */
export type Found = Partial<Omit<Findings, 'state'>> & { readonly state?: Partial<HostState> };

/** Adds what a step found. The fields of the state are merged one by one. */
export function mergeFindings(findings: Findings, found: Found): Findings {
  return { ...findings, ...found, state: { ...findings.state, ...found.state } };
}

export type RefreshResult =
  | {
      readonly kind: 'verified';
      readonly offer: Offer;
      /** The release behind the offer, also when it is held back. */
      readonly release: OfferedRelease | undefined;
      /** The signed file of the environment, `7.env-stable.json`; undefined without a role. */
      readonly offeredBy: string | undefined;
      readonly trust: StatusDocument['trust'];
      /**
       * ETag of timestamp.json, if it has one. Goes into the state when the release that it leads
       * to is active.
       */
      readonly etag: HostState['etag'];
    }
  | {
      readonly kind: 'failed';
      readonly error: CodedError;
      readonly trust: StatusDocument['trust'];
    };

export type InstallResult =
  | { readonly kind: 'installed'; readonly downloaded: boolean }
  | { readonly kind: 'failed'; readonly error: CodedError; readonly downloaded: boolean };

export interface RunResult {
  readonly summary: RunSummary;
  /** Undefined when Puppet was not looked for, or not found. */
  readonly puppetVersion?: string | undefined;
  /** Undefined when the run left none that can be read. */
  readonly facts?: CollectedFacts | undefined;
  /** Properties that the run has changed. */
  readonly changes?: readonly ChangedValue[] | undefined;
  /** Facts that took a second or longer; undefined when there was no run. */
  readonly slowFacts?: readonly SlowFact[] | undefined;
}

/**
 * What the bucket offers to this host. A release whose installation failed does not count as
 * offered.
 */
export function offerOf({ refresh, install }: Pick<Findings, 'refresh' | 'install'>): Offer {
  const error = errorOf({ refresh, install });
  if (error !== undefined) return { kind: 'unknown', code: error.code, why: error.message };
  return refresh?.kind === 'verified' ? refresh.offer : { kind: 'nothing' };
}

/** The error that prevented the installation of a newer release; undefined without an error. */
export function errorOf({
  refresh,
  install,
}: Pick<Findings, 'refresh' | 'install'>): CodedError | undefined {
  if (install?.kind === 'failed') return install.error;
  return refresh?.kind === 'failed' ? refresh.error : undefined;
}

/** The active release as the status document names it. */
export function activeReleaseOf(
  sha256: string,
  custom: ReleaseCustom,
  activatedAt: string,
): ActiveRelease {
  const { version, release, commit } = custom;
  return { version, release, sha256, commit, activatedAt };
}
