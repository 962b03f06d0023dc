import { hostStatusPrefix } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { inOrder } from '../hosts/in-order.ts';
import { type HostStatus, MANY_REFUSED, readStatus } from '../hosts/read-statuses.ts';
import type { TreePlace } from '../repository/stored-files.ts';
import { type Listed, Listing } from './listing.ts';
import type { FleetStore } from './store.ts';

export interface SyncCounts {
  /** Objects below `status/hosts/`. */
  readonly hosts: number;
  /** Those that were new, or had changed. */
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
export const BATCH = 500;
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
  const listing = await list(place, store);
  const [hosts, changed] = [listing.size, listing.changed];
  listing.touch();
  let fetched = 0;
  let refused = 0;
  let refusal = '';
  const prefix = hostStatusPrefix(place.tree);
  const results = inOrder(listing.changes(), PARALLEL, async (listed) => {
    const { file, size, receivedAt } = listed;
    const object = { key: `${prefix}${file}`, size, lastModified: receivedAt };
    return { ...listed, host: await readStatus(place, object) };
  });
  try {
    for await (const each of results) {
      fetched += 1;
      const problem = each.host?.problem;
      if (problem?.kind === 'refused') {
        refused += 1;
        refusal = problem.message;
      }
      // Written at once: statuses that wait for a batch would survive in the heap, and it grows.
      store.write(() => putHost(store, each));
      if (fetched % BATCH === 0) store.commit();
      onProgress(fetched, changed);
    }
  } finally {
    // What was fetched before a failure is kept.
    store.commit();
  }
  // A host can make its own status unreadable: only many of them have a common cause.
  if (refused > 0 && refused === fetched && refused >= Math.min(hosts, MANY_REFUSED)) {
    throw new CodedError(`no status can be read: ${refusal}`, {
      code: 'S3_ACCESS_DENIED',
      next: 'mm policy reader prints the policy that allows it',
    });
  }
  const gone = completeCopy(store, listing, now());
  const lists = Math.max(1, Math.ceil(hosts / PER_PAGE));
  const { unreadable } = store;
  const requests = { list: lists, get: fetched };
  return { hosts, fetched, unreadable, refused, gone, requests };
}

/**
 * Removes what is gone, in the transaction that completes the copy. Returns how many hosts that
 * were.
 *
 * @param at ms since 1970: the bucket was in this state
 */
export function completeCopy(store: FleetStore, listing: Listing, at: number): number {
  const gone = listing.gone();
  store.write(() => {
    for (const file of gone) store.remove(file);
    store.complete(at);
  });
  store.commit();
  return gone.length;
}

interface Fetched extends Pick<Listed, 'file' | 'etag'> {
  /** Undefined: it was removed since the listing. */
  readonly host: HostStatus | undefined;
}

async function list({ bucket, tree }: TreePlace, store: FleetStore): Promise<Listing> {
  const prefix = hostStatusPrefix(tree);
  const listing = new Listing(store.database);
  for await (const { key, etag, size, lastModified } of bucket.list(prefix)) {
    listing.add({ file: key.slice(prefix.length), etag, size, receivedAt: lastModified });
  }
  return listing;
}

/** Such a status may be readable at the next sync, although its object is the same. */
const TRY_AGAIN: ReadonlySet<string | undefined> = new Set(['refused', 'newer']);

/** Stores what was read of a host; undefined removes it. */
export function putHost(store: FleetStore, { file, etag, host }: Fetched): void {
  if (host === undefined) {
    store.remove(file);
    return;
  }
  // Its ETag differs from that of the object, so that the next sync reads it again.
  if (host.problem?.kind === 'refused' && store.hasStatus(file)) return;
  const seen = TRY_AGAIN.has(host.problem?.kind) ? '' : (etag ?? '');
  store.put({ file, etag: seen, host });
}
