import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import type { OfferedRelease } from '../../bucket/documents/release.ts';

/** What verified metadata says. Nothing gets in here that the packaged root does not vouch for. */
export interface Trusted {
  /** The signed `x-tree` that every file carries. */
  readonly treeId: string;
  /** Version per role: `root`, `timestamp`, `snapshot`, `targets`, `env-<environment>`. */
  readonly versions: Readonly<Record<string, number>>;
  /** Expiry per role, ISO 8601. */
  readonly expires: Readonly<Record<string, string>>;
  /** Roles past their expiry by the guarded clock. Only `readTrusted` and `acceptExpired` let any through. */
  readonly expired: readonly string[];
  /** An entry for every environment that was asked for, also for one that nobody is delegated for. */
  readonly environments: ReadonlyMap<string, EnvironmentOffer>;
  /** The verified documents themselves; what a publisher signs on top of. */
  readonly metadata: TrustedMetadata;
}

/** What an environment's role offers to its hosts. */
export interface EnvironmentOffer {
  /** The delegated role that answers for it; undefined when there is none. */
  readonly role: string | undefined;
  readonly current: OfferedRelease | undefined;
  /** Only during a rollout. */
  readonly next: OfferedRelease | undefined;
  /** `current` or `next` has a `schema` that this version does not know: hold. Such a release is left out here. */
  readonly schemaTooNew: boolean;
}

export interface TrustedMetadata {
  readonly root: Metadata<Root>;
  readonly timestamp: Metadata<Timestamp>;
  readonly snapshot: Metadata<Snapshot>;
  readonly targets: Metadata<Targets>;
  /** The delegated roles that answer for the environments that were asked for, by role name. */
  readonly roles: ReadonlyMap<string, Metadata<Targets>>;
}
