import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { z } from 'zod';
import { Instant } from '../../../bucket/documents/names.ts';
import { PROBLEM_KINDS } from '../../hosts/problem.ts';
import type { CopiedPlace, FleetStore } from '../store.ts';

/*
 * `statuses.ndjson.gz`: the copy of one machine, for the copies of others. The first line is the
 * head; each further one is a host, in the order of the bucket.
 */

export const STATUSES = 'statuses.ndjson.gz';

export const SnapshotHead = z.looseObject({
  schemaVersion: z.literal(1),
  bucket: z.string(),
  tree: z.string(),
  /** When the sync of that copy ended. */
  syncedAt: Instant,
  /** How many lines follow. */
  hosts: z.int().min(0),
});

export const SnapshotHost = z.looseObject({
  /** The name of the object below `status/hosts/`. */
  file: z.string().min(1).max(1024),
  /** Empty: the next sync reads the object. */
  etag: z.string().max(1024),
  /** When S3 received the object, in ms since 1970. */
  receivedAt: z
    .int()
    .min(0)
    .max(Date.UTC(9999, 11, 31)),
  /** The whole document. Null: `problem` says why. */
  status: z.unknown(),
  problem: z.looseObject({ kind: z.enum(PROBLEM_KINDS), message: z.string() }).nullable(),
});
export type SnapshotHost = z.infer<typeof SnapshotHost>;

/** Characters that are compressed at once. */
const CHUNK = 64 * 1024;

/** All of the store. Only the compressed lines are in memory: about 200 bytes a host. */
export async function packStatuses(
  store: FleetStore,
  { bucket, tree }: CopiedPlace,
  syncedAt: number,
): Promise<Buffer> {
  const at = new Date(syncedAt).toISOString();
  const head = { schemaVersion: 1 as const, bucket, tree, syncedAt: at, hosts: store.hosts };
  const packed: Buffer[] = [];
  await pipeline(Readable.from(chunksOf(store, head)), createGzip(), async (chunks) => {
    for await (const chunk of chunks) packed.push(chunk as Buffer);
  });
  return Buffer.concat(packed);
}

function* chunksOf(store: FleetStore, head: z.infer<typeof SnapshotHead>): Generator<string> {
  const rows = store.database
    .prepare(
      `SELECT file, etag, receivedAt, problemKind, problem, json(status) AS status
       FROM host LEFT JOIN document USING (file) ORDER BY file`,
    )
    .iterate();
  let text = `${JSON.stringify(head)}\n`;
  for (const { file, etag, receivedAt, problemKind, problem, status } of rows) {
    const why = problemKind === null ? null : { kind: problemKind, message: problem };
    const about = JSON.stringify({ file, etag, receivedAt, problem: why });
    // It is JSON already: to parse it here would double the time.
    text += `${about.slice(0, -1)},"status":${status ?? 'null'}}\n`;
    if (text.length < CHUNK) continue;
    yield text;
    text = '';
  }
  yield text;
}
