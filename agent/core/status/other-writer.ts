import type { StatusDocument } from '../../../bucket/documents/status.ts';
import type { CodedError } from '../../../shared/coded-error.ts';
import type { HostState } from '../state.ts';

/** What another machine with the same certname has done to the status of this one. */
export type OtherWriter = NonNullable<StatusDocument['otherWriter']>;

/** The other machine counts as gone when it was not noticed for this time, in ms. */
const REMEMBERED_MS = 7 * 86_400_000;
/** After this time, in ms, the condition is tried again on a bucket that refused it. */
const REFUSED_MS = 30 * 86_400_000;

/** What the last status says about another writer, unless that was too long ago. */
export function recentOtherWriter(
  last: StatusDocument | null,
  now: number,
): OtherWriter | undefined {
  const known = last?.otherWriter;
  return known !== undefined && now - Date.parse(known.lastAt) < REMEMBERED_MS ? known : undefined;
}

/** Returns the entry for the status after the other writer was noticed again. */
export function seenAgain(known: OtherWriter | undefined, now: number): OtherWriter {
  return { times: (known?.times ?? 0) + 1, lastAt: new Date(now).toISOString() };
}

/**
 * Returns the ETag for the condition of the next write: the ETag of the last write of this host.
 * Undefined when the ETag is not known, or when the bucket does not accept the condition.
 */
export function expectedEtag(uploaded: HostState['uploaded'], now: number): string | undefined {
  const { etag, refusedAt } = uploaded ?? {};
  if (refusedAt !== undefined && Math.abs(now - Date.parse(refusedAt)) < REFUSED_MS) {
    return undefined;
  }
  return etag ?? undefined;
}

/**
 * Explains why a conditional write failed. Undefined when the failure has nothing to do with the
 * condition.
 */
export function failedCondition({ code, details }: CodedError): FailedCondition | undefined {
  const { attempts, s3, status } = details;
  if (code === 'S3_PRECONDITION_FAILED') {
    // An earlier attempt may have written the object, and its answer was lost.
    const isOwn = typeof attempts === 'number' && attempts > 1;
    // 404: the object was removed. 409: there were two writes at the same time, and S3 does not say
    // by whom.
    return isOwn || s3 === 'NoSuchKey' || status === 409 ? 'in-doubt' : 'other-writer';
  }
  // AWS wants s3:GetObject for a condition.
  if (code === 'S3_ACCESS_DENIED') return 'refused';
  // A store that does not support conditions. Any other failure may be temporary.
  const isUnknown = code === 'S3_FAILED' && (status === 400 || status === 501);
  return isUnknown ? 'refused' : undefined;
}

export type FailedCondition = 'other-writer' | 'in-doubt' | 'refused';
