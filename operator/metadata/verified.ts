import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { CodedError } from '../../shared/coded-error.ts';
import type { JsonObject } from '../../shared/json.ts';
import type { EnvironmentOffer } from '../../trust/metadata/trusted.ts';
import type { RoleContent } from './signed-file.ts';

/** The verified state that a commit is signed on top of. */
export interface VerifiedMetadata {
  readonly root: Metadata<Root>;
  /** Undefined before the first commit of a tree, as are the three below. */
  readonly targets: Metadata<Targets> | undefined;
  readonly snapshot: Metadata<Snapshot> | undefined;
  readonly timestamp?: Metadata<Timestamp> | undefined;
  readonly timestampVersion: number;
  /** ETag of the timestamp.json that was read: the commit replaces this one or none. */
  readonly etag: string | undefined;
  /** What is offered, for every environment that was asked for. */
  readonly environments: ReadonlyMap<string, EnvironmentOffer>;
  /** Delegated roles that answer for those environments, by role name. */
  readonly roles: ReadonlyMap<string, Metadata<Targets>>;
  /** Expiry per role, ISO 8601. */
  readonly expires: Readonly<Record<string, string>>;
  /** A newer root is there than the one by which the rest was signed: see `finishRotations`. */
  readonly isUnfinished?: true;
  /** Roles that have lapsed. */
  readonly expired: readonly string[];
}

/** Version of a role in the verified snapshot; 0 when it was never published. */
export function versionOf(verified: VerifiedMetadata, role: string): number {
  return verified.snapshot?.signed.meta[`${role}.json`]?.version ?? 0;
}

/** What a role says now, to be changed and signed again: fields that we do not know stay. */
export function contentOf(document: Metadata<Targets>): RoleContent {
  return { ...(document.signed.toJSON() as JsonObject), _type: 'targets' };
}

/** The same of the root. */
export function rootContentOf(document: Metadata<Root>): RoleContent {
  return { ...(document.signed.toJSON() as JsonObject), _type: 'root' };
}

/**
 * What an environment is offered and by whom. Throws ENVIRONMENT_UNKNOWN when no role is delegated for it,
 * METADATA_INVALID when its release is one that only a newer mm understands.
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
      `the signed metadata delegates nobody for environment ${environment}; it knows ${known.join(', ')}`,
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
