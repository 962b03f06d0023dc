import type { Metadata, Targets } from '@tufjs/models';
import { CodedError } from '../../shared/coded-error.ts';
import { bucketSource, type MetadataSource } from '../../trust/metadata/source.ts';
import type { Trusted } from '../../trust/metadata/trusted.ts';
import {
  type Refresh,
  type RefreshOptions,
  readTrusted,
  refresh,
  type TrustOptions,
} from '../../trust/reader.ts';
import { treeIdOf } from '../../trust/workflow/inspect.ts';
import { withTemporaryDirectory } from '../files/temporary-directory.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { SigningMode } from '../metadata/expiry-days.ts';
import type { SignedFile } from '../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { TreePlace } from './upload.ts';

/** Environments that the intent asks about; `all`: every one that somebody is delegated for. */
export type Environments = readonly string[] | 'all';

/** The signed metadata of one tree in a bucket, and what it takes to sign more of it. */
export interface Repository extends TreePlace {
  /** The signed `x-tree`. */
  readonly treeId: string;
  readonly keyring: Keyring;
  readonly mode?: SigningMode | undefined;
  /** ms since 1970. */
  now(): number;
  /** Verifies what the bucket holds. An alarm of any kind is an error: nothing is signed on top of it. */
  read(): Promise<VerifiedMetadata>;
}

export interface RepositoryOptions extends TreePlace {
  readonly treeId: string;
  /** The bytes of the root.json that everything is trusted by. */
  readonly root: Uint8Array;
  /**
   * What this publisher has seen before: without it a bucket that was put back to an older state looks like an honest
   * one, and signing on top of that would make it so (attack L).
   */
  readonly stateDirectory: string;
  readonly environments: Environments;
  readonly keyring: Keyring;
  readonly mode?: SigningMode | undefined;
  now(): number;
}

/** A tree that was initialised. Throws TREE_MISMATCH when the root belongs to another one. */
export function openRepository(options: RepositoryOptions): Repository {
  const { bucket, tree, treeId, keyring, mode } = options;
  const found = treeIdOf(options.root);
  if (found !== treeId) {
    throw new CodedError(
      `the root file belongs to tree ${found}, the configuration says ${treeId}`,
      {
        code: 'TREE_MISMATCH',
        next: 'compare id: in miyamoto.yaml with the root file beside it',
      },
    );
  }
  return {
    bucket,
    tree,
    treeId,
    keyring,
    mode,
    now: () => options.now(),
    read: () => readVerified(options),
  };
}

async function readVerified(options: RepositoryOptions): Promise<VerifiedMetadata> {
  const trust = trustOptions(options, options.stateDirectory);
  // Lapsed files may only be renewed by somebody who knows that they were the newest.
  const hasSeen = (await readTrusted(trust)) !== undefined;
  return verifiedMetadataOf(await refreshTree(options, { ...trust, acceptExpired: hasSeen }));
}

/** What was read, as something to sign on top of. */
export function verifiedMetadataOf({
  trusted,
  etag,
}: Pick<Refresh, 'trusted' | 'etag'>): VerifiedMetadata {
  const { root, targets, snapshot, timestamp, roles } = trusted.metadata;
  if (etag === undefined) throw withoutEtag();
  return {
    root,
    targets,
    snapshot,
    timestamp,
    roles,
    timestampVersion: timestamp.signed.version,
    etag,
    environments: trusted.environments,
    expires: trusted.expires,
    expired: trusted.expired,
  };
}

/** Without an ETag the next write of timestamp.json could not tell that another publisher was first. */
function withoutEtag(): CodedError {
  return new CodedError('the store gives timestamp.json no strong ETag of plain characters', {
    code: 'S3_FAILED',
    next: 'look for a proxy before the bucket; a store without ETags cannot hold a tree',
  });
}

/**
 * Reads the bucket as a host would that was installed this minute, then remembers for the next publication what was
 * seen. Throws what a host would report, and METADATA_ROLLBACK when the bucket shows something older than the commit.
 */
export async function verifyCommitted(
  options: RepositoryOptions,
  files: readonly SignedFile[],
): Promise<Trusted> {
  await withTemporaryDirectory('verify', (directory) =>
    refreshTree(options, trustOptions(options, directory)),
  );
  const { trusted } = await refreshTree(options, trustOptions(options, options.stateDirectory));
  const wanted = files.at(-1)?.version ?? 0;
  const found = trusted.versions['timestamp'] ?? 0;
  if (found >= wanted) return trusted;
  throw new CodedError(`timestamp.json ${wanted} was written, ${found} is what can be read`, {
    code: 'METADATA_ROLLBACK',
    next: 'look for a cache or proxy before the bucket, and for who else writes to it',
  });
}

/** What a refresh needs, apart from who is asked. Without environments: {@link refreshTree} knows which. */
export function trustOptions(
  { root, now }: Pick<RepositoryOptions, 'root' | 'now'>,
  directory: string,
): TrustOptions {
  return { directory, packagedRoot: root, environments: [], clock: { now } };
}

/** Throws METADATA_MISSING with the next command for a tree that nobody has initialised. */
export async function refreshTree(
  { bucket, tree, environments }: Pick<RepositoryOptions, 'bucket' | 'tree' | 'environments'>,
  trust: TrustOptions & Pick<RefreshOptions, 'acceptExpired'>,
  source: MetadataSource = bucketSource(bucket, tree),
): Promise<Refresh> {
  const ask = (wanted: readonly string[]) =>
    refresh({ ...trust, source, etag: undefined, environments: wanted });
  try {
    if (environments !== 'all') return await ask(environments);
    const { trusted } = await ask([]);
    return await ask(environmentsOf(trusted.metadata.targets));
  } catch (cause) {
    if (!isWithoutTimestamp(cause)) throw cause;
    throw new CodedError(`s3://${bucket.name}/${tree} has no signed metadata yet`, {
      code: 'METADATA_MISSING',
      cause,
      next: `mm init --bucket ${bucket.name} --tree ${tree}`,
    });
  }
}

/** One environment for each delegated role; that of a pattern like `dev_*` is one that it covers. */
function environmentsOf({ signed }: Metadata<Targets>): string[] {
  return Object.values(signed.delegations?.roles ?? {}).flatMap(({ paths }) =>
    (paths ?? []).slice(0, 1).map((path) => path.replace(/\*?\/\*$/, '')),
  );
}

function isWithoutTimestamp(error: unknown): boolean {
  return (
    error instanceof CodedError &&
    error.code === 'METADATA_MISSING' &&
    error.details['file'] === 'timestamp.json'
  );
}
