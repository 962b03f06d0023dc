/**
 * S3 refuses a signature that is 15 min off; the SDK does not repeat a request for less than this.
 */
const WORTH_A_RETRY_MS = 4 * 60_000;
/** An answer that took longer than this says no time. */
const SLOW_ANSWER_MS = 15 * 60_000;

/**
 * S3's clock as its answers tell it, so that a host whose clock is off can sign: the SDK's
 * correction.
 */
export class SigningClock {
  /** How far S3's clock is ahead of this host's, in ms. */
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
    // An answer with an age comes out of a cache.
    if (Number.isNaN(serverTime) || age !== undefined || Date.now() - sentAt > SLOW_ANSWER_MS) {
      return;
    }
    this.#offsetMs = serverTime - Date.now();
  }

  /**
   * Marks a refusal for a retry when the correction has changed since the request was signed. Its
   * size alone does not say so: after a host's clock was put right, the new correction is 0.
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

/** Whether a request that S3 refused as skewed is signed otherwise now. Offsets in ms. */
export function isWorthARetry(errorName: string, beforeMs: number, nowMs: number): boolean {
  const isSkewed = errorName === 'RequestTimeTooSkewed';
  return isSkewed && Math.abs(nowMs - beforeMs) >= WORTH_A_RETRY_MS;
}
