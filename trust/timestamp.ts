import { strongEtag } from '../bucket/etag.ts';
import { isRootDue } from './kept/progress.ts';
import { isExpired, type Start } from './kept/start.ts';
import { type GuardedClock, guardClock, guardedNow } from './metadata/clock.ts';
import { MAX_FILE_BYTES } from './metadata/file-limits.ts';
import type { MetadataSource } from './metadata/source.ts';
import { getFile } from './workflow/fetcher.ts';

export interface TimestampOptions {
  readonly source: MetadataSource;
  readonly clock: { now(): number };
  /** ETag of timestamp.json, as an earlier refresh returned it and the caller stored it. */
  readonly etag: string | undefined;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** timestamp.json as one refresh uses it. Not verified yet. */
export interface FetchedTimestamp {
  readonly bytes: Buffer;
  /** Undefined when the store gives no ETag that is safe to send back. */
  readonly etag: string | undefined;
  /** S3's clock, ms since 1970. */
  readonly serverDate: number | undefined;
  readonly clock: GuardedClock;
  /**
   * True when it equals the stored one, so nothing that it lists has changed. A newer root may
   * still exist.
   */
  readonly isKept: boolean;
}

/**
 * Requests timestamp.json. A 304 is cheap but unsigned: only the store says that nothing has
 * changed. Once a day, and whenever a stored file has expired, the request is therefore
 * unconditional, so that a store or proxy that always answers 304 cannot freeze a host unnoticed.
 */
export async function fetchTimestamp(
  options: TimestampOptions,
  start: Start,
): Promise<FetchedTimestamp> {
  const kept = keptTimestamp(options, start);
  const before = guardedNow(options.clock.now(), start.clockFloor);
  const isConditional = !isRootDue(start.record, before) && !isExpired(start, before);
  const answer = await getFile(options.source, 'timestamp.json', {
    ...limitsOf(options),
    ifNoneMatch: isConditional ? kept?.etag : undefined,
  });
  const { serverDate } = answer;
  const times = { serverDate, clock: clockOf(options, start, serverDate) };
  if (answer.kind === 'not-modified') {
    if (kept === undefined) throw new TypeError('getFile lets no 304 pass without a condition');
    return { ...kept, ...times, isKept: true };
  }
  const { bytes } = answer;
  const etag = strongEtag(answer.etag);
  const isKept = kept !== undefined && kept.etag === etag && kept.bytes.equals(bytes);
  return { bytes, etag, ...times, isKept };
}

/** Requests timestamp.json without a condition, because the stored files are unusable. */
export async function fetchTimestampUnconditionally(
  options: TimestampOptions,
  start: Start,
): Promise<FetchedTimestamp> {
  const answer = await getFile(options.source, 'timestamp.json', limitsOf(options));
  const { bytes, serverDate } = answer;
  const clock = clockOf(options, start, serverDate);
  return { bytes, etag: strongEtag(answer.etag), serverDate, clock, isKept: false };
}

/**
 * Returns the stored timestamp.json when a 304 may be accepted for it: it must be intact, and the
 * ETag must belong to it.
 */
function keptTimestamp(
  { etag: stored }: TimestampOptions,
  { chain, files, local, rootFloor, isCurrent }: Start,
): { readonly bytes: Buffer; readonly etag: string } | undefined {
  const bytes = local.get('timestamp.json');
  const etag = strongEtag(stored);
  const keepsRoots = [...chain.roots].every(([file, root]) => files.get(file)?.equals(root));
  const isWhole = isCurrent && keepsRoots && chain.version >= rootFloor;
  return isWhole && bytes !== undefined && etag !== undefined ? { bytes, etag } : undefined;
}

function clockOf(
  { clock }: TimestampOptions,
  { clockFloor }: Start,
  serverDate: number | undefined,
): GuardedClock {
  return guardClock({ local: clock.now(), floor: clockFloor, serverDate });
}

function limitsOf({ signal, timeoutMs }: TimestampOptions) {
  return { maxBytes: MAX_FILE_BYTES.timestamp, signal, timeoutMs };
}
