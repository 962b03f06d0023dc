import type { Metadata, Root } from '@tufjs/models';
import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { roleWord } from '../../trust/metadata/role-names.ts';
import { isVersion, MAX_VERSION } from '../../trust/metadata/version-limits.ts';
import { type VerifiedMetadata, versionOf } from '../metadata/verified.ts';
import type { Repository } from '../repository/repository.ts';
import { isThere, listFiles } from '../repository/stored-files.ts';
import type { Change } from './change.ts';

/** Versions of the files of a commit. For versioned files it is the lowest one to try. */
export interface Versions {
  /** Snapshot and timestamp start at 1 again. */
  readonly isRestart: boolean;
  readonly timestamp: number;
  readonly snapshot: number;
  /** Throws METADATA_INVALID when a thief has left no number above. */
  of(role: string): number;
}

/**
 * A restart is possible when the new root replaces every online key. The snapshot and timestamp
 * that hosts have stored then no longer verify, so a lower version is not a rollback (TUF 5.3.11).
 * A plain rotation continues the versions instead: during it, files are signed by old and new keys,
 * and these stay valid.
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
    (isWanted || isUnknown || !hasRoom || isFull(snapshot));
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

/**
 * Whether the snapshot uses half of the bytes that hosts read. A thief of an online key may have
 * invented so many entries that no later snapshot has room for them. No honest tree comes near this
 * limit.
 */
function isFull(snapshot: VerifiedMetadata['snapshot']): boolean {
  return snapshot !== undefined && JSON.stringify(snapshot.signed.toJSON()).length > 1024 ** 2;
}

/** No key of snapshot or timestamp in `before` has either role in `after`. */
export function areOnlineKeysReplaced(before: Metadata<Root>, after: Metadata<Root>): boolean {
  const [old, next] = [before, after].map(({ signed: { roles } }) =>
    ['snapshot', 'timestamp'].flatMap((role) => roles[role]?.keyIDs ?? []),
  ) as [string[], string[]];
  return next.every((keyId) => !old.includes(keyId));
}

/**
 * Publishers that lost a race or were killed left files behind, whose versions are skipped. This is
 * the limit of their number.
 */
export const MAX_SKIPPED = 1000;

/**
 * The first version from `from` on whose file does not exist. Must be called before anything is
 * signed: a key may be a token that a person touches for each signature, and anyone with write
 * access to the bucket can occupy names. Throws METADATA_INVALID when too many are occupied.
 */
export async function freeVersion(
  repository: Repository,
  role: string,
  from: number,
): Promise<number> {
  if (!(await isThere(repository, `${from}.${role}.json`))) return from;
  const files = new Set(await listFiles(repository));
  const taken: string[] = [`${from}.${role}.json`];
  for (let version = from + 1; version < from + MAX_SKIPPED; version++) {
    const file = `${version}.${role}.json`;
    if (!files.has(file)) {
      repository.notice?.(
        `no metadata names ${rangeOf(taken)}, perhaps of a commit at the same time: mm signs a later version`,
      );
      return version;
    }
    taken.push(file);
  }
  const { bucket, tree } = repository;
  throw new CodedError(
    `no metadata names ${rangeOf(taken)}, in s3://${bucket.name}/${metadataKey(tree, '')}`,
    {
      code: 'METADATA_INVALID',
      next: 'find out who writes to the bucket, and remove these files; nothing was signed',
      details: { role, from },
    },
  );
}

function rangeOf(files: readonly string[]): string {
  return files.length === 1
    ? `${files[0]}`
    : `${files.length} files, ${files[0]} to ${files.at(-1)}`;
}

function noRoom(role: string): CodedError {
  const word = roleWord(role === 'targets' ? 'online' : role); // new online keys restart targets
  return new CodedError(
    `the version of ${roleWord(role)} is near ${MAX_VERSION}: no higher one is left`,
    {
      code: 'METADATA_INVALID',
      next: `a key of it was stolen: mm key rotate --role ${word} --recover --add KEY`,
      details: { role },
    },
  );
}
