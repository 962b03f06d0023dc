import type { CodedError, ErrorCode } from '../../../shared/coded-error.ts';

const SETTINGS = 'mm config shows where each setting is from';

/**
 * The next step for errors of the store when mm is installed. The agent has the same errors on
 * hosts without mm.
 */
const BY_MM: Partial<Readonly<Record<ErrorCode, string>>> = {
  S3_ACCESS_DENIED: 'mm policy check publisher, or reader, tries what these credentials may do',
  S3_SLOW_DOWN: 'then run the same command again',
  S3_CLOCK_SKEWED: 'then run the same command again',
  S3_CREDENTIALS_MISSING: SETTINGS,
  S3_CREDENTIALS_REJECTED: SETTINGS,
  S3_REGION_WRONG: SETTINGS,
  S3_UNREACHABLE: SETTINGS,
};

/** The next step of an error, as mm prints it. */
export function nextOf({ code, next }: Pick<CodedError, 'code' | 'next'>): string | undefined {
  if (next?.startsWith('--') === true) return `the same command with ${next}`;
  const more = BY_MM[code];
  if (more === undefined || /\bmm /.test(next ?? '')) return next;
  return next === undefined ? more : `${next}; ${more}`;
}
