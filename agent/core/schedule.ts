import { createHash } from 'node:crypto';

/*
 * When polls and runs are due. Each host has a fixed slot in the interval, so that the hosts of a
 * fleet do not all poll at the same moment.
 */

/** The matches of a cron expression around now, in ms since 1970. */
export interface CronPosition {
  /** The match one interval before `next`, at or before now; undefined without one. */
  readonly previous: number | undefined;
  /** The first match after now. */
  readonly next: number;
  readonly intervalMs: number;
}

/** A daily run at 03:00 is spread over the next hour, not over the whole day. */
const MAX_SPREAD_MS = 3_600_000;

/** The slot of a host in ms: a fixed share of the interval, from a hash of its certname. */
export function slotMs(certname: string, intervalMs: number): number {
  const share = createHash('sha256').update(certname).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(share * Math.min(intervalMs, MAX_SPREAD_MS));
}

/** The next time at which this host is due, strictly after `now`. */
export function dueAfter(position: CronPosition, certname: string, now: number): number {
  const slot = slotMs(certname, position.intervalMs);
  if (position.previous !== undefined && position.previous + slot > now)
    return position.previous + slot;
  return position.next + slot;
}

const FIRST_BACKOFF_MS = 30_000;
const MAX_BACKOFF_MS = 30 * 60_000;
const MIN_BACKOFF_MS = 5000;

/** The longest Retry-After that a host obeys. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

/**
 * Returns the pause before the next attempt, in ms: exponential backoff with full jitter after
 * `failures` errors in a row (1 or more). `random` is in [0, 1). The jitter is added to the
 * Retry-After of the server, because a fleet that returns at exactly that time would overload it
 * again.
 */
export function backoffMs(failures: number, random: number, retryAfterMs = 0): number {
  const ceiling = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures, 16));
  const jitterMs = Math.floor(random * ceiling);
  return Math.max(MIN_BACKOFF_MS, Math.min(retryAfterMs, LONGEST_RETRY_AFTER_MS) + jitterMs);
}
