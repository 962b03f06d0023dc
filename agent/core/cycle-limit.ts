/** What a cycle may take on top of Puppet's own limit: fetch, unpack, grace periods, report. */
const MARGIN_MS = 30 * 60_000;

/** How long a cycle that nobody watches may take, in ms; `run.time_limit` is in seconds. */
export function cycleLimitMs(timeLimitSeconds: number): number {
  return timeLimitSeconds * 1000 + MARGIN_MS;
}
