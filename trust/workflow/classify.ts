import { LengthOrHashMismatchError, UnsignedMetadataError } from '@tufjs/models/dist/error.js';
import { BadVersionError, ExpiredMetadataError, RepositoryError } from 'tuf-js/dist/error.js';
import { CodedError, type ErrorCode } from '../../shared/coded-error.ts';

/** A step of the TUF client workflow that refused something. */
export interface Refusal {
  readonly role: string;
  readonly error: unknown;
  /** ms since 1970: the guarded clock of that moment. */
  readonly checkedAt: number;
}

/**
 * Turns a refusal of the TUF library into a CodedError. It looks at the class of the error and at
 * the step, never at the text.
 */
export function refusalToError({ role, error, checkedAt }: Refusal): CodedError {
  const code = refusalCode(role, error);
  const said = error instanceof Error ? error.message : String(error);
  const at = new Date(checkedAt).toISOString();
  // Only expiry depends on the clock.
  const by = code === 'METADATA_EXPIRED' ? ` (clock: ${at})` : '';
  return new CodedError(`metadata refused at ${role}: ${said}${by}`, {
    code,
    cause: error,
    next: NEXT[code],
    details: { role, checkedAt: at },
  });
}

function refusalCode(role: string, error: unknown): keyof typeof NEXT {
  if (error instanceof CodedError && error.code === 'METADATA_MISMATCH') return error.code;
  if (error instanceof UnsignedMetadataError) return 'METADATA_UNSIGNED';
  if (error instanceof LengthOrHashMismatchError) return 'METADATA_MISMATCH';
  if (error instanceof ExpiredMetadataError) return 'METADATA_EXPIRED';
  if (error instanceof BadVersionError) {
    // A root must be exactly one higher, and a delegated role must match the snapshot: neither
    // check means a rollback.
    return role === 'timestamp' || role === 'snapshot' ? 'METADATA_ROLLBACK' : 'METADATA_MISMATCH';
  }
  // A plain RepositoryError of a snapshot always means that a role that was listed before is
  // missing (TUF 5.5.5).
  if (error instanceof RepositoryError && role === 'snapshot') return 'METADATA_ROLLBACK';
  return 'METADATA_INVALID';
}

const NEXT = {
  METADATA_UNSIGNED: 'compare the keys with mm doctor; an intruder may have written to the bucket',
  METADATA_MISMATCH: 'look at the bucket with mm doctor; an intruder may have written to it',
  METADATA_EXPIRED: 'mm renew, and compare the clocks of this machine and of S3',
  METADATA_ROLLBACK: 'look at the bucket with mm doctor: it holds an older state than before',
  METADATA_INVALID: 'look at the bucket with mm doctor; the current release stays',
} as const satisfies Partial<Record<ErrorCode, string>>;
