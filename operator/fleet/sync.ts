import type { ListedObject } from '../../bucket/bucket.ts';
import { hostStatusPrefix } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { inOrder } from '../hosts/in-order.ts';
import { type HostStatus, MANY_REFUSED, readStatus } from '../hosts/read-statuses.ts';
import type { TreePlace } from '../repository/stored-files.ts';
import type { FleetStore } from './store.ts';

export interface SyncCounts {
  /** Objects below `status/hosts/`. */
  readonly hosts: number;
  readonly fetched: number;
  /** Objects of the store that cannot be used. */
  readonly unreadable: number;
  /** Statuses that S3 did not give now. The store keeps the last one that could be read. */
  readonly refused: number;
  /** Hosts whose object is gone. */
  readonly gone: number;
  readonly requests: { readonly list: number; readonly get: number };
}

export interface SyncOptions {
  readonly now: () => number;
  readonly onProgress: (done: number, total: number) => void;
}

/** Requests at the same time. */
const PARALLEL = 64;
/** Rows of one transaction. After a kill at most so many objects are fetched again. */
const BATCH = 500;
/** Objects of one answer to LIST. */
const PER_PAGE = 1000;

/**
 * Brings the store up to date: lists the statuses, and fetches those whose ETag is not that of the
 * stored one. A kill at any time leaves what was stored, and the next call fetches the rest. Throws
 * S3_* when the bucket cannot be read.
 */
export async function syncFleet(
  place: TreePlace,
  store: FleetStore,
  { now, onProgress }: SyncOptions,
): Promise<SyncCounts> {
  const left = store.known();
  const { changed, touched, hosts } = await compare(place, left);
  store.change(() => {
    for (const { file, listed } of touched) store.touch(file, listed.lastModified);
  });
  let fetched = 0;
  let refused = 0;
  let refusal = '';
  let batch: Fetched[] = [];
  const save = (): void => {
    store.change(() => {
      for (const each of batch) putHost(store, each);
    });
    batch = [];
  };
  const results = inOrder(changed, PARALLEL, async ({ file, listed }) => ({
    file,
    listed,
    host: await readStatus(place, listed),
  }));
  try {
    for await (const each of results) {
      fetched += 1;
      const problem = each.host?.problem;
      if (problem?.kind === 'refused') {
        refused += 1;
        refusal = problem.message;
      }
      batch.push(each);
      if (batch.length >= BATCH) save();
      onProgress(fetched, changed.length);
    }
  } finally {
    // What was fetched before a failure is kept.
    save();
  }
  // A host can make its own status unreadable: only many of them have a common cause.
  if (refused > 0 && refused === fetched && refused >= Math.min(hosts, MANY_REFUSED)) {
    throw new CodedError(`no status can be read: ${refusal}`, {
      code: 'S3_ACCESS_DENIED',
      next: 'mm policy reader prints the policy that allows it',
    });
  }
  store.change(() => {
    for (const file of left.keys()) store.remove(file);
    store.complete(now());
  });
  const list = Math.max(1, Math.ceil(hosts / PER_PAGE));
  const { unreadable } = store;
  const requests = { list, get: fetched };
  return { hosts, fetched, unreadable, refused, gone: left.size, requests };
}

interface Listed {
  /** The key below the prefix. */
  readonly file: string;
  readonly listed: ListedObject;
}

interface Fetched extends Listed {
  /** Undefined: it was removed since the listing. */
  readonly host: HostStatus | undefined;
}

/** Removes from `known` what is still in the bucket. */
async function compare(
  { bucket, tree }: TreePlace,
  known: Map<string, { readonly etag: string; readonly receivedAt: number }>,
): Promise<{ changed: Listed[]; touched: Listed[]; hosts: number }> {
  const prefix = hostStatusPrefix(tree);
  const changed: Listed[] = [];
  const touched: Listed[] = [];
  let hosts = 0;
  for await (const listed of bucket.list(prefix)) {
    hosts += 1;
    const file = listed.key.slice(prefix.length);
    const stored = known.get(file);
    known.delete(file);
    if (stored === undefined || listed.etag === undefined || stored.etag !== listed.etag) {
      changed.push({ file, listed });
    } else if (stored.receivedAt !== listed.lastModified) touched.push({ file, listed });
  }
  return { changed, touched, hosts };
}

/** Such a status may be readable at the next sync, although its object is the same. */
const TRY_AGAIN: ReadonlySet<string | undefined> = new Set(['refused', 'newer']);

function putHost(store: FleetStore, { file, listed, host }: Fetched): void {
  if (host === undefined) {
    store.remove(file);
    return;
  }
  // Its ETag differs from that of the object, so that the next sync reads it again.
  if (host.problem?.kind === 'refused' && store.hasStatus(file)) return;
  const etag = TRY_AGAIN.has(host.problem?.kind) ? '' : (listed.etag ?? '');
  store.put({ file, etag, host });
}
