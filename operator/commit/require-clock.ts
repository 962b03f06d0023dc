import { CodedError } from '../../shared/coded-error.ts';
import { SET_CLOCK } from '../../shared/set-clock.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { Repository } from '../repository/repository.ts';

/*
 * The expiry of a signature is counted from the signer's clock. Hosts compare it with the later of
 * their own clock and S3's. A signer whose clock is behind would sign what has expired already, and
 * would find nothing to renew. No request fails because of it: S3's clients sign requests with S3's
 * time.
 *
 * The `Date` of one answer only stops mm. Nobody signs by it, and nothing of it is kept, so a proxy
 * that sends a wrong one cannot make anybody sign too long or too short an expiry.
 */

/** S3 refuses requests that are signed with a time further off. */
const MAX_SKEW_MS = 15 * 60_000;

/** How far a clock is off, when that is too far. `serverDate`: S3's clock, ms since 1970. */
export function clockProblem(now: number, serverDate: number | undefined): string | undefined {
  if (serverDate === undefined || Math.abs(now - serverDate) <= MAX_SKEW_MS) return undefined;
  const which = now < serverDate ? 'behind' : 'ahead of';
  const [here, there] = [now, serverDate].map((ms) => new Date(ms).toISOString());
  return `this machine's clock is ${which} S3's: ${here} here, ${there} there`;
}

/** What to do about it. */
export const CLOCK_NEXT = `compare both with a watch. If this machine is wrong: ${SET_CLOCK}. If S3 is wrong, look at its clock or for a proxy in front of it`;

/** Throws S3_CLOCK_SKEWED. Must be called before anything is planned or signed. */
export function requireClock(
  { now }: Pick<Repository, 'now'>,
  { serverDate }: Pick<VerifiedMetadata, 'serverDate'>,
): void {
  const problem = clockProblem(now(), serverDate);
  if (problem === undefined) return;
  throw new CodedError(`${problem}; hosts check expiry by the later one, so nothing was signed`, {
    code: 'S3_CLOCK_SKEWED',
    next: CLOCK_NEXT,
    details: { now: now(), serverDate },
  });
}
