import type { Metadata, Root } from '@tufjs/models';
import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { isVersion, MAX_VERSION } from '../../trust/metadata/version-limits.ts';
import { type VerifiedMetadata, versionOf } from '../metadata/verified.ts';
import type { Repository } from '../repository/repository.ts';
import { isMissing, listFiles } from '../repository/stored-files.ts';
import type { Change } from './change.ts';

/** Versions that the files of a commit get; of versioned files it is the lowest one to try. */
export interface Versions {
  /** Snapshot and timestamp start at 1 again. */
  readonly isRestart: boolean;
  readonly timestamp: number;
  readonly snapshot: number;
  /** Throws METADATA_INVALID when a thief has left no number above. */
  of(role: string): number;
}

/**
 * A restart is possible when the new root replaces every online key: then nothing that hosts have
 * kept of snapshot and timestamp verifies any more, and so there is nothing that a lower version
 * could be a rollback of (TUF 5.3.11). A plain rotation goes on counting instead: while it is under
 * way, files are signed by old and new keys, and those stay.
 */
export function planVersions(
  verified: VerifiedMetadata,
  change: Change,
  root: Metadata<Root>,
): Versions {
  const { timestamp, snapshot, distrusted } = verified;
  const next = {
    timestamp: verified.timestampVersion + 1,
    snapshot: (snapshot?.signed.version ?? timestamp?.signed.snapshotMeta.version ?? 0) + 1,
  };
  const isUnknown = distrusted !== undefined && timestamp === undefined;
  const hasRoom = isVersion(next.timestamp) && isVersion(next.snapshot);
  const isWanted = change.restart === true || change.drafts?.has('root') === true;
  const isRestart =
    areOnlineKeysReplaced(verified.unfinishedSince ?? verified.root, root) &&
    (isWanted || isUnknown || !hasRoom);
  if (!isRestart && !hasRoom) throw noRoom('online');
  return {
    isRestart,
    ...(isRestart ? { timestamp: 1, snapshot: 1 } : next),
    of(role) {
      const version = versionOf(verified, role) + 1;
      if (isVersion(version)) return version;
      if (isRestart) return 1;
      throw noRoom(role);
    },
  };
}

/** No key that may sign snapshot or timestamp by `before` may do so by `after`. */
export function areOnlineKeysReplaced(before: Metadata<Root>, after: Metadata<Root>): boolean {
  const [old, next] = [before, after].map(({ signed: { roles } }) =>
    ['snapshot', 'timestamp'].flatMap((role) => roles[role]?.keyIDs ?? []),
  ) as [string[], string[]];
  return next.every((keyId) => !old.includes(keyId));
}

/** Files that publishers left behind who lost a race or were killed: their versions are skipped. */
const MAX_SKIPPED = 1000;

/**
 * The first version from `from` on whose file does not exist. To be asked before anything is
 * signed: a key may be a token that a person touches for each signature, and who can write to the
 * bucket can take names. Throws METADATA_INVALID when too many are taken.
 */
export async function freeVersion(
  repository: Repository,
  role: string,
  from: number,
): Promise<number> {
  if (!(await exists(repository, `${from}.${role}.json`))) return from;
  const files = new Set(await listFiles(repository));
  const taken: string[] = [`${from}.${role}.json`];
  for (let version = from + 1; version < from + MAX_SKIPPED; version++) {
    const file = `${version}.${role}.json`;
    if (!files.has(file)) {
      repository.notice?.(
        `no metadata names ${taken.length} files that are in the way, ${taken[0]} to ${taken.at(-1)}: skipping their versions`,
      );
      return version;
    }
    taken.push(file);
  }
  const { bucket, tree } = repository;
  throw new CodedError(
    `${MAX_SKIPPED} files that no metadata names are in the way in s3://${bucket.name}/${metadataKey(tree, '')}, ${taken[0]} to ${taken.at(-1)}`,
    {
      code: 'METADATA_INVALID',
      next: 'find out who writes to the bucket, and remove these files; nothing was signed',
      details: { role, from },
    },
  );
}

async function exists({ bucket, tree }: Repository, file: string): Promise<boolean> {
  try {
    const { body } = await bucket.open(metadataKey(tree, file));
    body.destroy();
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function noRoom(role: string): CodedError {
  const name = role === 'targets' ? 'online' : role; // new online keys restart targets as well
  const word = name.replace(/^env-/, '').replace(/-\d+$/, '');
  return new CodedError(`the version of ${role} is near ${MAX_VERSION}: no higher one is left`, {
    code: 'METADATA_INVALID',
    next: `a key of it was stolen: mm key rotate --role ${word} --recover --add KEY`,
    details: { role },
  });
}
