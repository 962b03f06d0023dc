import { messageOf } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';

/** Why an object of a host cannot be used. It concerns no other host. */
export interface Problem {
  readonly kind: ProblemKind;
  /** One clean line. */
  readonly message: string;
}

export const PROBLEM_KINDS = [
  /** Not JSON, another host's, or without a field that must be there. */
  'invalid',
  /** Of a schema version that this mm does not know. */
  'newer',
  'too-large',
  /** The key is not that of a host. */
  'foreign',
  /** It is listed, but S3 does not give it to these credentials. */
  'refused',
] as const;
export type ProblemKind = (typeof PROBLEM_KINDS)[number];

/** Undefined for a failure of the whole bucket, and for every other error. */
export function problemOf(error: unknown): Problem | undefined {
  if (!(error instanceof CodedError)) return undefined;
  const kind = kindOf(error);
  return kind && { kind, message: messageOf(error, 300) };
}

function kindOf({ code, details }: CodedError): ProblemKind | undefined {
  if (code === 'STATUS_INVALID') return details['isNewer'] === true ? 'newer' : 'invalid';
  if (code === 'S3_TOO_LARGE') return 'too-large';
  // A host can encrypt its own object with a key that only it has (SSE-C): that is a 400.
  const isRefused =
    code === 'S3_ACCESS_DENIED' || (code === 'S3_FAILED' && details['status'] === 400);
  return isRefused ? 'refused' : undefined;
}
