/**
 * S3 refuses a signature that is 15 min off; the SDK does not repeat a request for less than this.
 */
const WORTH_A_RETRY_MS = 4 * 60_000;
/** The `Date` of an answer that took longer than this is ignored. */
const SLOW_ANSWER_MS = 15 * 60_000;
/** A signature has the time with a year of four digits. */
const YEAR_10000_MS = Date.UTC(10_000, 0);

/**
 * S3's clock, learned from its answers. It corrects the time of signatures on a host whose clock is
 * wrong, as the SDK does.
 */
export class SigningClock {
  /** S3's clock minus this host's, in ms. */
  #offsetMs = 0;

  get offsetMs(): number {
    return this.#offsetMs;
  }

  now(): Date {
    return new Date(Date.now() + this.#offsetMs);
  }

  /** Learns from the Date header of an answer. `sentAt` in ms since 1970. */
  learn(headers: Readonly<Record<string, string | string[] | undefined>>, sentAt: number): void {
    const { date, age } = headers;
    const serverTime = typeof date === 'string' ? Date.parse(date) : Number.NaN;
    // An answer with an Age header comes from a cache.
    if (Number.isNaN(serverTime) || age !== undefined || Date.now() - sentAt > SLOW_ANSWER_MS) {
      return;
    }
    this.#offsetMs = usableOffset(serverTime - Date.now());
  }

  /**
   * Marks a refusal for a retry when the correction has changed since the request was signed. Its
   * size alone does not show that: after a host's clock was corrected, the new correction is 0.
   */
  markCorrected(error: Markable, signedWithMs: number): void {
    if (!isWorthARetry(error.name, signedWithMs, this.#offsetMs)) return;
    error.$metadata = { ...error.$metadata, clockSkewCorrected: true };
  }
}

/** An error in the shape of the SDK's. */
interface Markable extends Error {
  $metadata?: { clockSkewCorrected?: true };
}

/**
 * The offset, or 0 when no request can be signed with it. One answer with a `Date` of the year
 * 275760 would otherwise prevent every later request, so no answer would ever correct the offset.
 */
export function usableOffset(offsetMs: number): number {
  const now = Date.now() + offsetMs;
  return now >= 0 && now < YEAR_10000_MS ? offsetMs : 0;
}

/** Whether a new signature would differ from the one that S3 refused as skewed. Offsets in ms. */
export function isWorthARetry(errorName: string, beforeMs: number, nowMs: number): boolean {
  const isSkewed = errorName === 'RequestTimeTooSkewed';
  return isSkewed && Math.abs(nowMs - beforeMs) >= WORTH_A_RETRY_MS;
}
