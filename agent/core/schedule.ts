import { createHash } from 'node:crypto';

/** When polls and runs are due. Each host has a fixed slot inside the interval, so that a fleet never asks at once. */

/** Where a cron expression stands now, all in ms since 1970. */
export interface CronPosition {
  /** The match at or before now that lies one interval before `next`, if there is one. */
  readonly previous: number | undefined;
  /** The first match after now. */
  readonly next: number;
  readonly intervalMs: number;
}

/** A daily run at 03:00 is spread over the hour after it, not over the day. */
const MAX_SPREAD_MS = 3_600_000;

/** The host's slot: a stable share of the interval from a hash of its certname, in ms. */
export function slotMs(certname: string, intervalMs: number): number {
  const share = createHash('sha256').update(certname).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(share * Math.min(intervalMs, MAX_SPREAD_MS));
}

/** The next instant at which this host is due, strictly after `now`. */
export function dueAfter(position: CronPosition, certname: string, now: number): number {
  const slot = slotMs(certname, position.intervalMs);
  if (position.previous !== undefined && position.previous + slot > now)
    return position.previous + slot;
  return position.next + slot;
}

const FIRST_BACKOFF_MS = 30_000;
const MAX_BACKOFF_MS = 30 * 60_000;
const MIN_BACKOFF_MS = 5000;

/**
 * Full-jitter exponential backoff after `failures` errors in a row (1 or more), in ms.
 * `random` is in [0, 1). A server's Retry-After is a floor.
 */
export function backoffMs(failures: number, random: number, retryAfterMs = 0): number {
  const ceiling = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures, 16));
  return Math.max(MIN_BACKOFF_MS, retryAfterMs, Math.floor(random * ceiling));
}
