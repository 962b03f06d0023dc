import type { ActiveRelease, BadRelease, RunSummary } from '../../../bucket/documents/status.ts';

/** The last release that ran without a failure, and the keys that were in force then. */
export interface GoodRelease {
  readonly release: ActiveRelease;
  readonly environment: string;
  /** Versions of the roles root and targets: each change of a key changes one of them. */
  readonly root: number;
  readonly targets: number;
}

/** An ended run of the whole catalog. */
export interface HealthView {
  readonly release: ActiveRelease;
  readonly run: RunSummary;
  /** sha256 of the last release that ran without a failure, before this run. */
  readonly lastGood: string | null;
  /** The bucket could not be reached in this cycle, so the host may have no network. */
  readonly isOffline: boolean;
  /** The signed file of the environment, `7.env-stable.json`; undefined when it is not known. */
  readonly offeredBy: string | undefined;
  /** ISO 8601. */
  readonly now: string;
}

const MOST_KEPT = 5;
const MOST_ERRORS = 3;
const MAX_ERROR = 300;

/**
 * Returns the releases that are bad on this host, after a run. A release is bad when it does not
 * compile here, or fails where the last good release did not. A release that was good here before
 * is not bad: the host has changed. A run that was killed, did not start or had a full disk proves
 * nothing about a release. A failure while the bucket was not reachable proves nothing either. A
 * good run removes the mark; `badNow` says when a new file of the environment lifts it.
 */
export function badAfterRun(last: readonly BadRelease[], view: HealthView): BadRelease[] {
  const { release, run, lastGood } = view;
  const others = last.filter(({ sha256 }) => sha256 !== release.sha256);
  if (run.status === 'unchanged' || run.status === 'changed') return others;
  const isNew = lastGood !== release.sha256;
  const isBad =
    run.status === 'not-compiled' ? isNew : run.status === 'failed' && isNew && lastGood !== null;
  if (!isBad || view.isOffline || run.errorCode !== undefined) return [...last];
  const known = badNow(last, view.offeredBy).find(({ sha256 }) => sha256 === release.sha256);
  return [known ?? badRelease(view), ...others].slice(0, MOST_KEPT);
}

/**
 * Returns the bad releases whose mark still counts: those that were marked while this same file of
 * the role offered them. A publisher therefore lifts the mark on all hosts by signing a new version
 * of the role, even with the same release. This is needed because a run can fail although the
 * release is good, for example when somebody removed a binary from the bucket.
 */
export function badNow(bad: readonly BadRelease[], offeredBy: string | undefined): BadRelease[] {
  return bad.filter((each) => each.offeredBy === offeredBy);
}

function badRelease({ release, run, now, offeredBy }: HealthView): BadRelease {
  const lines = run.error?.split('\n') ?? [];
  const failed = run.failedResources.map(({ resource, message }) => `${resource}: ${message}`);
  return {
    version: release.version,
    sha256: release.sha256,
    outcome: run.status,
    runId: run.id,
    exitCode: run.exitCode,
    errors: [...lines, ...failed].slice(0, MOST_ERRORS).map((text) => text.slice(0, MAX_ERROR)),
    at: now,
    ...(offeredBy === undefined ? {} : { offeredBy }),
  };
}

/** What a host may go back to. */
export interface RollbackView {
  readonly onFailure: 'keep' | 'rollback';
  readonly bad: readonly BadRelease[];
  readonly good: GoodRelease | null;
  readonly environment: string;
  /** Versions of the verified metadata, by role. */
  readonly versions: Readonly<Record<string, number>>;
}

/**
 * Returns the release to go back to when a bad one is offered; undefined when that is not allowed.
 * A change of root or targets can mean that a key was revoked, and the earlier release may be the
 * choice of its holder (ADR 0027).
 */
export function rollbackTarget(view: RollbackView): ActiveRelease | undefined {
  const { onFailure, bad, good, environment, versions } = view;
  if (onFailure === 'keep' || good === null || good.environment !== environment) return undefined;
  if (bad.some(({ sha256 }) => sha256 === good.release.sha256)) return undefined;
  const isSame = versions['root'] === good.root && versions['targets'] === good.targets;
  return isSame ? good.release : undefined;
}

/** What the state keeps of a good run; null when the versions of the metadata are not known. */
export function goodAfterRun(
  release: ActiveRelease,
  environment: string,
  versions: Readonly<Record<string, number>> | undefined,
): GoodRelease | null {
  const { root, targets } = versions ?? {};
  if (root === undefined || targets === undefined) return null;
  return { release, environment, root, targets };
}
