/** Time for everything but Puppet: download, unpack, grace periods, report. */
const MARGIN_MS = 30 * 60_000;

/** The longest time for a cycle of the daemon, in ms. `run.time_limit` is in seconds. */
export function cycleLimitMs(timeLimitSeconds: number): number {
  return timeLimitSeconds * 1000 + MARGIN_MS;
}
