import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { type JsonObject, jsonObject } from '../../shared/json.ts';
import { didYouMean, nearest } from '../../shared/suggestion.ts';
import type { EnvironmentOffer } from '../../trust/metadata/trusted.ts';
import { coverageOf } from './environment-classes.ts';
import type { RoleContent } from './signed-file.ts';

/** The verified documents of a tree. A commit is built on them. */
export interface VerifiedMetadata {
  readonly root: Metadata<Root>;
  /** Undefined before the first commit of a tree, like the three fields below. */
  readonly targets: Metadata<Targets> | undefined;
  readonly snapshot: Metadata<Snapshot> | undefined;
  readonly timestamp?: Metadata<Timestamp> | undefined;
  readonly timestampVersion: number;
  /** ETag of the timestamp.json that was read. The commit replaces exactly that file or fails. */
  readonly etag: string | undefined;
  /** S3's clock at that time, ms since 1970; undefined when the answer had none. */
  readonly serverDate: number | undefined;
  /** The releases of each requested environment. */
  readonly environments: ReadonlyMap<string, EnvironmentOffer>;
  /** Every delegated role, by role name. */
  readonly roles: ReadonlyMap<string, Metadata<Targets>>;
  /** Bytes of targets and of every delegated role, by role name. A snapshot is built from them. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Expiry per role, ISO 8601. */
  readonly expires: Readonly<Record<string, string>>;
  /** Roles that have expired. */
  readonly expired: readonly string[];
  /**
   * Set when a rotation stopped before its timestamp: the previous root, which verified everything
   * else. Hosts that have the new root refuse the other files.
   */
  readonly unfinishedSince?: Metadata<Root> | undefined;
  /**
   * Why the snapshot and timestamp in the bucket are not trusted. The other documents were read
   * without them. Only a change that makes them invalid may be committed.
   */
  readonly distrusted?: CodedError | undefined;
  /** What a recovery did not find, and nobody agreed to go on without. */
  readonly lost?: readonly LostFile[] | undefined;
}

export interface LostFile {
  /** `3.env-stable.json`; `timestamp.json` when nothing says which versions are the newest. */
  readonly file: string;
  /** What is missing, and what was found instead. */
  readonly text: string;
}

/** The version of a role; 0 when it was never published. */
export function versionOf(
  verified: Pick<VerifiedMetadata, 'targets' | 'roles' | 'distrusted' | 'snapshot'>,
  role: string,
): number {
  const document = role === 'targets' ? verified.targets : verified.roles.get(role);
  // A role that is no longer delegated still has an entry in the snapshot, but no document.
  const listed =
    verified.distrusted === undefined ? verified.snapshot?.signed.meta[`${role}.json`] : undefined;
  return Math.max(document?.signed.version ?? 0, listed?.version ?? 0);
}

/** The signed part of the document that a role has now. Undefined when it was never published. */
export function documentOf(verified: VerifiedMetadata, role: string): JsonObject | undefined {
  const { root, targets, roles } = verified;
  const document = role === 'root' ? root : role === 'targets' ? targets : roles.get(role);
  return document && { ...(document.signed.toJSON() as JsonObject) };
}

/**
 * The current content of a role, to be changed and signed again. Fields that mm does not know are
 * kept. A statement that names the version of its own file, or a later one, is forged: the next
 * version must not make it look true.
 */
export function contentOf(document: Metadata<Targets>): RoleContent {
  const content = withoutProposal(document.signed);
  const targets = Object.entries(jsonObject(content['targets'])).map(([path, target]) => {
    const { change, ...custom } = jsonObject(jsonObject(target)['custom']);
    const isForged = Number(jsonObject(change)['after']) >= document.signed.version;
    return [path, isForged ? { ...jsonObject(target), custom } : target];
  });
  return { ...content, targets: Object.fromEntries(targets), _type: 'targets' };
}

/** The current content of root, to be changed and signed again. */
export function rootContentOf(document: Metadata<Root>): RoleContent {
  return { ...withoutProposal(document.signed), _type: 'root' };
}

/** The next version of a document must not have the proposal of this one. */
function withoutProposal(signed: Root | Targets): JsonObject {
  const { 'x-proposal': _, ...content } = signed.toJSON() as JsonObject;
  return content;
}

type DelegatedOffer = EnvironmentOffer & { readonly role: string };

/**
 * The releases of an environment, and the role that lists them. Throws ENVIRONMENT_UNKNOWN when no
 * role is delegated for the environment, METADATA_INVALID when its release needs a newer mm, or is
 * one that hosts refuse.
 */
export function offerOf(verified: VerifiedMetadata, environment: string): DelegatedOffer {
  const offer = replaceableOffer(verified, environment);
  if (offer.unreadable === undefined) return offer;
  throw new CodedError(
    `hosts of ${environment} refuse what is signed for it, and keep what they have: ${printable(offer.unreadable.message, 300)}`,
    {
      code: 'METADATA_INVALID',
      cause: offer.unreadable,
      next: `mm publish ${environment}`,
      details: { environment },
    },
  );
}

/** The same, for a command that replaces it: a release that hosts refuse counts as nothing. */
export function replaceableOffer(verified: VerifiedMetadata, environment: string): DelegatedOffer {
  const offer = delegatedOffer(verified, environment);
  if (!offer.schemaTooNew) return offer;
  throw new CodedError(`environment ${environment} was published by a newer mm than this one`, {
    code: 'METADATA_INVALID',
    next: nextForNewer(environment),
  });
}

/** A thief can write any number there, and nobody has that mm. */
export function nextForNewer(environment: string): string {
  return `install the newer mm; without one, a key was stolen: mm key list, then mm key revoke NAME --back-to RELEASE, or --drop ${environment}`;
}

/** The role of an environment, whatever it offers. Throws ENVIRONMENT_UNKNOWN as above. */
export function delegatedOffer(verified: VerifiedMetadata, environment: string): DelegatedOffer {
  const offer = verified.environments.get(environment);
  const { role } = offer ?? {};
  if (offer === undefined || role === undefined) {
    const known = coverageOf(verified.targets).flatMap(({ covers }) => covers);
    const hint = didYouMean(environment, known);
    throw new CodedError(
      `no key may publish environment ${environment}${hint || ';'} this tree has ${known.join(', ')}`,
      {
        code: 'ENVIRONMENT_UNKNOWN',
        next: nextFor(environment, nearest(environment, known)),
        details: { environment, known },
      },
    );
  }
  return { ...offer, role };
}

/** The environment that was meant, or how to add it alone or with its class, `feature_*`. */
function nextFor(environment: string, near: string | undefined): string {
  const same = `the same command with ${near ?? 'an environment of this tree'}`;
  const add = `${same}; or for a new environment: mm environment add ${environment}`;
  const [, prefix] = /^([^_]+_)./.exec(environment) ?? [];
  if (near !== undefined || prefix === undefined) return add;
  return `${add}; or for all of them: mm environment add '${prefix}*'`;
}
