/** A failed run that is tried again before the schedule. Kept in the state, also over restarts. */
export interface Retry {
  /** sha256 of the release that failed. Another release starts again at the first try. */
  readonly release: string;
  /** Its failed runs in a row: the number of the next try. */
  readonly failed: number;
  /** `run.retry.times`. */
  readonly of: number;
  /** ISO 8601. Null when all tries have failed: only the schedule and requests run it. */
  readonly at: string | null;
}

/** `run.retry`. */
export interface RetryRules {
  readonly after: { readonly seconds: number };
  readonly times: number;
}

const LONGEST_PAUSE_MS = 24 * 3_600_000;

/** Returns what the state keeps after a run of the whole catalog; `now` is in ms since 1970. */
export function retryAfterRun(
  last: Retry | null,
  run: { readonly release: string; readonly isGood: boolean; readonly now: number },
  { after, times }: RetryRules,
): Retry | null {
  if (run.isGood || times === 0) return null;
  const before = last?.release === run.release ? last.failed : 0;
  const failed = Math.min(before, times) + 1;
  const pauseMs = Math.min(LONGEST_PAUSE_MS, after.seconds * 1000 * 2 ** (failed - 1));
  const at = failed > times ? null : new Date(run.now + pauseMs).toISOString();
  return { release: run.release, failed, of: times, at };
}

/** Returns the reason for a try that is due; undefined when no try is due. */
export function dueRetry(
  retry: Retry | null,
  active: string | undefined,
  now: number,
): string | undefined {
  if (retry === null || retry.at === null || retry.release !== active) return undefined;
  const waitMs = Date.parse(retry.at) - now;
  // When the clock was set back, `at` may be years away.
  if (waitMs > 0 && waitMs <= LONGEST_PAUSE_MS) return undefined;
  return `try ${retry.failed} of ${retry.of} after a failed run`;
}

/**
 * Returns when the next try is due, in ms since 1970, so that the daemon polls then. Undefined when
 * no try is due in the future.
 */
export function retryTime(retry: Retry | null, now: number): number | undefined {
  const at = retry?.at == null ? Number.NaN : Date.parse(retry.at);
  return at > now && at - now <= LONGEST_PAUSE_MS ? at : undefined;
}
