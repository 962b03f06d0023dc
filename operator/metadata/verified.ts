import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { CodedError } from '../../shared/coded-error.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { EnvironmentOffer } from '../../trust/metadata/trusted.ts';
import type { RoleContent } from './signed-file.ts';

/** What a commit is signed on top of: every document of the tree, verified. */
export interface VerifiedMetadata {
  readonly root: Metadata<Root>;
  /** Undefined before the first commit of a tree; so are the three below. */
  readonly targets: Metadata<Targets> | undefined;
  readonly snapshot: Metadata<Snapshot> | undefined;
  readonly timestamp?: Metadata<Timestamp> | undefined;
  readonly timestampVersion: number;
  /** ETag of the timestamp.json that was read. The commit replaces that one or fails. */
  readonly etag: string | undefined;
  /** What is offered, for each environment that was asked for. */
  readonly environments: ReadonlyMap<string, EnvironmentOffer>;
  /** Every delegated role, by role name. */
  readonly roles: ReadonlyMap<string, Metadata<Targets>>;
  /** Bytes of targets and of every delegated role, by role name: a snapshot is built from them. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Expiry per role, ISO 8601. */
  readonly expires: Readonly<Record<string, string>>;
  /** Roles that have expired. */
  readonly expired: readonly string[];
  /**
   * The earlier root by which everything else verified, when a rotation ended before its timestamp:
   * hosts that see the new root refuse the rest.
   */
  readonly unfinishedSince?: Metadata<Root> | undefined;
  /**
   * Why the bucket's snapshot and timestamp are not believed. The rest was read without them, and
   * only a change by which they no longer verify may be committed.
   */
  readonly distrusted?: CodedError | undefined;
}

/** The version that a role has, 0 when it was never published. */
export function versionOf(verified: VerifiedMetadata, role: string): number {
  const document = role === 'targets' ? verified.targets : verified.roles.get(role);
  // A role that was delegated once and is no longer has an entry, but no document.
  const listed =
    verified.distrusted === undefined ? verified.snapshot?.signed.meta[`${role}.json`] : undefined;
  return Math.max(document?.signed.version ?? 0, listed?.version ?? 0);
}

/** What a role says now, to be changed and signed again. Fields that mm does not know stay. */
export function contentOf(document: Metadata<Targets>): RoleContent {
  return { ...(document.signed.toJSON() as JsonObject), _type: 'targets' };
}

/** What the root says now, to be changed and signed again. */
export function rootContentOf(document: Metadata<Root>): RoleContent {
  return { ...(document.signed.toJSON() as JsonObject), _type: 'root' };
}

/**
 * What an environment is offered, and by which role. Throws ENVIRONMENT_UNKNOWN when no role is
 * delegated for it, METADATA_INVALID when only a newer mm understands its release.
 */
export function offerOf(
  verified: VerifiedMetadata,
  environment: string,
): EnvironmentOffer & { readonly role: string } {
  const offer = verified.environments.get(environment);
  const { role } = offer ?? {};
  if (offer === undefined || role === undefined) {
    const known = Object.values(verified.targets?.signed.delegations?.roles ?? {})
      .flatMap((delegated) => delegated.paths ?? [])
      .map((path) => path.replace(/\/\*$/, ''));
    throw new CodedError(
      `no key may publish environment ${environment}; this tree has ${known.join(', ')}`,
      {
        code: 'ENVIRONMENT_UNKNOWN',
        next: `mm environment add ${environment}`,
        details: { environment, known },
      },
    );
  }
  if (offer.schemaTooNew) {
    throw new CodedError(`environment ${environment} was published by a newer mm than this one`, {
      code: 'METADATA_INVALID',
      next: 'install the newer mm',
    });
  }
  return { ...offer, role };
}
