import type { ErrorCode } from '../../shared/coded-error.ts';

/** What the daemon's own poll found: one conditional GET of timestamp.json. */
export type PollResult =
  | { readonly kind: 'idle' }
  /** Something for a cycle to do. */
  | { readonly kind: 'cycle'; readonly why: string; readonly prefetched?: Prefetched }
  | { readonly kind: 'failed'; readonly code: ErrorCode };

/**
 * timestamp.json as the daemon's GET returned it, not verified. The cycle verifies it and does not
 * have to ask for it again.
 */
export interface Prefetched {
  readonly bytes: Buffer;
  /** Undefined when the store gave none that is safe to send back. */
  readonly etag: string | undefined;
  /** S3's `Date` header, ms since 1970. */
  readonly serverDate: number | undefined;
}
