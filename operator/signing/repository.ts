import { CodedError } from '../../bucket/coded-error.ts';
import { treeIdOf } from '../../bucket/trust/inspect.ts';
import { type RefreshOptions, readTrusted, refresh } from '../../bucket/trust/reader.ts';
import { bucketSource } from '../../bucket/trust/source.ts';
import type { Trusted } from '../../bucket/trust/trusted.ts';
import { withTemporaryDirectory } from '../temporary-directory.ts';
import type { Base } from './base.ts';
import type { Repository } from './commit.ts';
import type { Keyring } from './keyring.ts';
import type { SignedFile } from './signed-file.ts';
import type { TreePlace } from './upload.ts';

export interface RepositoryOptions extends TreePlace {
  readonly treeId: string;
  /** The bytes of the root.json that everything is trusted by. */
  readonly root: Uint8Array;
  /**
   * What this publisher has seen before: without it a bucket that was put back to an older state looks like an honest
   * one, and signing on top of that would make it so (attack L).
   */
  readonly stateDirectory: string;
  /** Environments that the intent asks about. */
  readonly environments: readonly string[];
  readonly keyring: Keyring;
  now(): number;
}

/** A tree that was initialised. Throws TREE_MISMATCH when the root belongs to another one. */
export function openRepository(options: RepositoryOptions): Repository {
  const { bucket, tree, treeId, keyring } = options;
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
    now: () => options.now(),
    read: () => readBase(options),
  };
}

async function readBase(options: RepositoryOptions): Promise<Base> {
  const trust = trustOptions(options, options.stateDirectory);
  // Lapsed files may only be renewed by somebody who knows that they were the newest.
  const hasSeen = (await readTrusted(trust)) !== undefined;
  const { trusted, etag } = await refreshTree(options, { ...trust, acceptExpired: hasSeen });
  const { root, targets, snapshot, timestamp, roles } = trusted.metadata;
  return {
    root,
    targets,
    snapshot,
    roles,
    timestampVersion: timestamp.signed.version,
    etag,
    environments: trusted.environments,
    expires: trusted.expires,
    expired: trusted.expired,
  };
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

function trustOptions(
  { root, environments, now }: RepositoryOptions,
  directory: string,
): Omit<RefreshOptions, 'source' | 'etag'> {
  return { directory, packagedRoot: root, environments, clock: { now } };
}

async function refreshTree(
  { bucket, tree }: RepositoryOptions,
  trust: Omit<RefreshOptions, 'source' | 'etag'>,
): ReturnType<typeof refresh> {
  try {
    return await refresh({ ...trust, source: bucketSource(bucket, tree), etag: undefined });
  } catch (cause) {
    if (!isWithoutTimestamp(cause)) throw cause;
    throw new CodedError(`s3://${bucket.name}/${tree} has no signed metadata yet`, {
      code: 'METADATA_MISSING',
      cause,
      next: `mm init --bucket ${bucket.name} --tree ${tree}`,
    });
  }
}

function isWithoutTimestamp(error: unknown): boolean {
  return (
    error instanceof CodedError &&
    error.code === 'METADATA_MISSING' &&
    error.details['file'] === 'timestamp.json'
  );
}
