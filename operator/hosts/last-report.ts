import type { StatusDocument } from '../../bucket/documents/status.ts';

/** In s. For a host whose status cannot be read: two heartbeats of an agent with the defaults. */
export const DEFAULT_LIMIT_SECONDS = 2 * 3600;
/** In s. Two of the longest heartbeats that can be configured: a host may announce anything. */
export const MAX_LIMIT_SECONDS = 14 * 86_400;

/** How old the last report of a host may be, in s: what the host itself announced. */
export function reportLimit(status: StatusDocument): number {
  // Both are by the clock of the host, so that an error of it cancels out.
  const announced = Date.parse(status.times.nextExpectedAt) - Date.parse(status.writtenAt);
  return Math.min(Math.max(announced / 1000, 0), MAX_LIMIT_SECONDS);
}

/** Whole seconds since S3 received the object. Not negative: the clocks differ a little. */
export function ageSeconds(receivedAt: number, now: number): number {
  return Math.max(0, Math.floor((now - receivedAt) / 1000));
}

/** An age for a table: `40s`, `12m`, `3h`, `5d`. */
export function shortAge(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}
