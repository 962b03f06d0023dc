import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import type { OfferedRelease } from '../../bucket/documents/release.ts';
import type { CodedError } from '../../shared/coded-error.ts';

/*
 * What verified metadata says. offer.ts reads the releases, role-names.ts maps environments to
 * roles, clock.ts and expiry.ts check time, version-limits.ts bounds versions, and source.ts
 * fetches the files.
 */

/** Verified metadata: only files that the installed root leads to. */
export interface Trusted {
  /** The signed `x-tree` that every file carries. */
  readonly treeId: string;
  /** Version per role: `root`, `timestamp`, `snapshot`, `targets`, `env-<environment>`. */
  readonly versions: Readonly<Record<string, number>>;
  /** Expiry per role, ISO 8601. */
  readonly expires: Readonly<Record<string, string>>;
  /**
   * Roles that have expired by the guarded clock. Empty except with `readTrusted` and
   * `acceptExpired`.
   */
  readonly expired: readonly string[];
  /** An entry for every requested environment, also for one without a delegated role. */
  readonly environments: ReadonlyMap<string, EnvironmentOffer>;
  /** The verified documents. A publisher signs new ones based on them. */
  readonly metadata: TrustedMetadata;
}

/** What an environment's role offers to its hosts. */
export interface EnvironmentOffer {
  /** The delegated role that answers for it; undefined without one. */
  readonly role: string | undefined;
  readonly current: OfferedRelease | undefined;
  /** Only during a rollout. */
  readonly next: OfferedRelease | undefined;
  /**
   * `current` or `next` has a `schema` that this version does not know: hold. That release is left
   * out here.
   */
  readonly schemaTooNew: boolean;
  /**
   * Only for publishers: why hosts refuse what is signed for the environment. Its releases are left
   * out here.
   */
  readonly unreadable?: CodedError | undefined;
}

export interface TrustedMetadata {
  readonly root: Metadata<Root>;
  readonly timestamp: Metadata<Timestamp>;
  readonly snapshot: Metadata<Snapshot>;
  readonly targets: Metadata<Targets>;
  /** The delegated roles of the requested environments, by role name. */
  readonly roles: ReadonlyMap<string, Metadata<Targets>>;
}
