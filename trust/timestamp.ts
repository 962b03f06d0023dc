import { strongEtag } from '../bucket/etag.ts';
import { isRootDue } from './kept/progress.ts';
import { isExpired, type Start } from './kept/start.ts';
import { type GuardedClock, guardClock, guardedNow } from './metadata/clock.ts';
import type { MetadataSource } from './metadata/source.ts';
import { getFile } from './workflow/fetcher.ts';

/** TUF limits the one file whose size no signed file says (TUF 5.4.1). */
const MAX_TIMESTAMP_BYTES = 16_384;

export interface TimestampOptions {
  readonly source: MetadataSource;
  readonly clock: { now(): number };
  /** ETag of timestamp.json, as an earlier refresh returned it and the caller stored it. */
  readonly etag: string | undefined;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** timestamp.json as one refresh uses it. Not verified yet. */
export interface AskedTimestamp {
  readonly bytes: Buffer;
  /** Undefined when the store gives no ETag that is safe to send back. */
  readonly etag: string | undefined;
  /** S3's clock, ms since 1970. */
  readonly serverDate: number | undefined;
  readonly clock: GuardedClock;
  /** It is the kept one, so that nothing below it can have changed. A root still can have. */
  readonly isKept: boolean;
}

/**
 * Asks for timestamp.json. A 304 costs nothing but says only that the store believes nothing has
 * changed. Hence the request has no condition once a day, and whenever something of what is kept
 * has expired: a store or proxy that answers 304 forever then cannot freeze a host unseen.
 */
export async function askForTimestamp(
  options: TimestampOptions,
  start: Start,
): Promise<AskedTimestamp> {
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

/** Asks for timestamp.json without a condition: what is kept turned out to be unusable. */
export async function askForWholeTimestamp(
  options: TimestampOptions,
  start: Start,
): Promise<AskedTimestamp> {
  const answer = await getFile(options.source, 'timestamp.json', limitsOf(options));
  const { bytes, serverDate } = answer;
  const clock = clockOf(options, start, serverDate);
  return { bytes, etag: strongEtag(answer.etag), serverDate, clock, isKept: false };
}

/**
 * "Not modified" is an answer only for a host that keeps something whole which was not modified.
 */
function keptTimestamp(
  { etag: stored }: TimestampOptions,
  { chain, files, local, rootFloor }: Start,
): { readonly bytes: Buffer; readonly etag: string } | undefined {
  const bytes = local.get('timestamp.json');
  const etag = strongEtag(stored);
  const keepsRoots = [...chain.roots].every(([file, root]) => files.get(file)?.equals(root));
  const isWhole = keepsRoots && chain.version >= rootFloor;
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
  return { maxBytes: MAX_TIMESTAMP_BYTES, signal, timeoutMs };
}
