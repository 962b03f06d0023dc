import { CERTNAME } from '../../../bucket/documents/name-rules.ts';
import { hostStatusKey, snapshotKey } from '../../../bucket/layout.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { problemOf } from '../../hosts/problem.ts';
import { FOREIGN, type HostStatus, shownName } from '../../hosts/read-statuses.ts';
import { getObject } from '../../repository/get-object.ts';
import { checkStatusDocument } from '../../repository/host-documents.ts';
import type { TreePlace } from '../../repository/stored-files.ts';
import { Listing } from '../listing.ts';
import type { CopiedPlace, FleetStore } from '../store.ts';
import { BATCH, completeCopy, putHost, type SyncCounts } from '../sync.ts';
import { type SnapshotHost, STATUSES } from './pack-statuses.ts';
import { type Unpacked, unpackStatuses } from './unpack-statuses.ts';

/** Of a million hosts about 200 MB. */
const MAX_BYTES = 512 * 1024 * 1024;
/** In ms. For a slow line. */
const TIMEOUT_MS = 600_000;

/** Opens the snapshot of a tree. Throws S3_NOT_FOUND, STATUS_INVALID. */
export async function openSnapshot(
  { bucket, tree }: TreePlace,
  place: CopiedPlace,
): Promise<Unpacked> {
  const key = snapshotKey(tree, STATUSES);
  const next = 'mm fleet sync, then mm fleet snapshot; its policy: mm policy reporter';
  try {
    const got = await getObject(bucket, key, { maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS });
    const unpacked = await unpackStatuses(got.kind === 'object' ? got.bytes : Buffer.alloc(0));
    const { head } = unpacked;
    if (head.bucket === place.bucket && head.tree === place.tree) return unpacked;
    const found = `s3://${bucket.name}/${key} is of s3://${head.bucket}/${head.tree}`;
    throw new CodedError(found, { code: 'STATUS_INVALID', next });
  } catch (cause) {
    if (!(cause instanceof CodedError && cause.code === 'S3_NOT_FOUND')) throw cause;
    const message = `nobody has made a snapshot: there is no s3://${bucket.name}/${key}`;
    throw new CodedError(message, { code: 'S3_NOT_FOUND', cause, next });
  }
}

interface CopyOptions extends Pick<TreePlace, 'tree'> {
  /** In ms since 1970. */
  readonly now: number;
  onProgress(done: number, all: number): void;
}

/**
 * Brings the store to the state of a snapshot that is newer. Each status is checked as if it had
 * been read from the bucket: the snapshot may be of another version of mm. A kill at any time
 * leaves what was stored. A store that is as new stays as it is. Throws STATUS_INVALID.
 */
export async function copySnapshot(
  store: FleetStore,
  { head, hosts }: Unpacked,
  { tree, now, onProgress }: CopyOptions,
): Promise<SyncCounts> {
  // No later snapshot would replace one of the year 9999.
  const syncedAt = Math.min(Date.parse(head.syncedAt), now);
  const { hosts: stored, syncedAt: before = -1 } = store;
  if (before >= syncedAt && before <= now)
    return counts(store, { hosts: stored, fetched: 0, gone: 0 });
  const listing = new Listing(store.database);
  let read = 0;
  let copied = 0;
  try {
    for await (const line of hosts) {
      const { file, etag, receivedAt } = line;
      read += 1;
      store.write(() => {
        listing.add({ file, etag, size: 0, receivedAt });
        if (store.has(file, etag)) return;
        copied += 1;
        putHost(store, { file, etag, host: hostIn(line, tree) });
      });
      if (read % BATCH === 0) store.commit();
      onProgress(read, head.hosts);
    }
  } finally {
    store.commit();
  }
  // Begins the transaction that completes the copy.
  store.write(() => listing.touch());
  const gone = completeCopy(store, listing, syncedAt);
  return counts(store, { hosts: read, fetched: copied, gone });
}

function counts(
  { unreadable }: FleetStore,
  found: Pick<SyncCounts, 'hosts' | 'fetched' | 'gone'>,
): SyncCounts {
  // Statuses and history.
  return { ...found, unreadable, refused: 0, requests: { list: 0, get: 2 } };
}

function hostIn({ file, receivedAt, status, problem }: SnapshotHost, tree: string): HostStatus {
  const certname = shownName(file);
  const reported = { certname, receivedAt };
  if (problem !== null) {
    const { kind, message } = problem;
    return { ...reported, status: undefined, problem: { kind, message: printable(message, 300) } };
  }
  if (`${certname}.json` !== file || !CERTNAME.test(certname))
    return { ...reported, status: undefined, problem: FOREIGN };
  try {
    const key = hostStatusKey(tree, certname);
    const checked = checkStatusDocument(status, { certname, key });
    return { ...reported, status: checked, problem: undefined };
  } catch (error) {
    const found = problemOf(error);
    if (found === undefined) throw error;
    return { ...reported, status: undefined, problem: found };
  }
}
