import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { redact } from '../../../shared/log/redact.ts';
import { meaningOf, type S3Answer, type S3Wanted } from './answer-meaning.ts';

/**
 * Translates an answer of S3 or of the network into one coded error. `nowMs` is this host's clock,
 * to say how far it is off.
 */
export function s3Error(
  wanted: S3Wanted,
  answer: S3Answer,
  { nowMs, cause }: { readonly nowMs: number; readonly cause: unknown },
): CodedError {
  const { code, came, next } = meaningOf(wanted, answer, nowMs);
  const { bucket, key } = wanted;
  const { code: s3, status, attempts, retryAfterSeconds } = answer;
  const retryAfter = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  // S3 says 403 for a missing object, too.
  const isMissing = code === 'S3_NOT_FOUND' || code === 'S3_ACCESS_DENIED';
  const serverDate = isMissing ? { serverDate: answer.serverTime } : {};
  const details = { bucket, key, s3, status, attempts, ...retryAfter, ...serverDate };
  return new CodedError(`${describeWanted(wanted)}: ${came}`, { code, cause, next, details });
}

/** S3_CREDENTIALS_MISSING: no provider has credentials. The message quotes the one that failed. */
export function credentialsMissing(wanted: S3Wanted, cause: unknown): CodedError {
  return new CodedError(`${describeWanted(wanted)}: found no credentials: ${wordsOf(cause)}`, {
    code: 'S3_CREDENTIALS_MISSING',
    cause,
    next: 'give them as the AWS SDK reads them: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ~/.aws/credentials, s3.profile, or an instance role',
  });
}

/** S3_REGION_WRONG: neither the configuration nor the AWS files set a region. */
export function regionMissing(wanted: S3Wanted, cause: unknown): CodedError {
  return new CodedError(`${describeWanted(wanted)}: no region is set`, {
    code: 'S3_REGION_WRONG',
    cause,
    next: 'set s3.region or AWS_REGION; most stores other than AWS accept us-east-1',
  });
}

/** S3_TOO_LARGE: the object is larger than `maxBytes`, the limit of its reader. */
export function tooLarge(wanted: S3Wanted, maxBytes: number): CodedError {
  return new CodedError(`${describeWanted(wanted)}: it has more than ${maxBytes} bytes`, {
    code: 'S3_TOO_LARGE',
    next: 'find out who wrote this object: Miyamoto writes no object of that size there',
    details: { bucket: wanted.bucket, key: wanted.key, maxBytes },
  });
}

/** The message of a provider of credentials on one line: its own message, or that of AWS STS. */
function wordsOf(cause: unknown): string {
  if (!(cause instanceof Error)) return printable(String(cause), 500);
  const code = 'code' in cause ? String(cause.code) : cause.name;
  const said = cause.message === '' ? code : cause.message;
  return printable(redact(/Error$/.test(code) || said === code ? said : `${code}: ${said}`), 500);
}

/** `cannot read s3://bucket/key`. */
export function describeWanted({ verb, bucket, key }: S3Wanted): string {
  return `cannot ${verb} s3://${bucket}/${key}`;
}
