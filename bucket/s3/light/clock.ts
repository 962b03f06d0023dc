import type { SdkLikeError } from './retry.ts';

/** S3 refuses what is signed more than 15 min off; the SDK takes less than this for no reason to try again. */
const WORTH_A_RETRY_MS = 4 * 60_000;
/** An answer that took longer than this tells no time. */
const SLOW_ANSWER_MS = 15 * 60_000;

/** S3's clock as its answers tell it, so that a host whose clock is off can sign all the same: the SDK's correction. */
export class SigningClock {
  /** S3's clock ahead of this host's, in ms. */
  #offsetMs = 0;

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

  /** Marks a refusal that the offset learnt meanwhile puts right, so that it is tried again. */
  markCorrected(error: SdkLikeError): void {
    if (error.name !== 'RequestTimeTooSkewed' || Math.abs(this.#offsetMs) < WORTH_A_RETRY_MS)
      return;
    error.$metadata = { ...error.$metadata, clockSkewCorrected: true };
  }
}
