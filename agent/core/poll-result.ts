import type { ErrorCode } from '../../shared/coded-error.ts';

/** How a turn of the daemon ended: a poll, or a cycle. */
export interface TurnEnd {
  /** The error of reading the bucket; undefined when it answered. */
  readonly error?: ErrorCode | undefined;
  /** When a failed run is due again, ms since 1970; undefined when none is. */
  readonly runAt?: number | undefined;
  /** How long the server asks to wait, not bounded. */
  readonly retryAfterMs?: number | undefined;
}

/** What the daemon's own poll found: one conditional GET of timestamp.json. */
export type PollResult =
  | ({ readonly kind: 'idle' } & TurnEnd)
  /** Something for a cycle to do. */
  | {
      readonly kind: 'cycle';
      readonly why: string;
      readonly prefetched?: Prefetched;
      readonly retryAfterMs?: number | undefined;
    }
  | ({ readonly kind: 'failed'; readonly error: ErrorCode } & TurnEnd);

/**
 * timestamp.json as the daemon's GET returned it, not verified. The cycle verifies it and does not
 * have to ask for it again.
 */
export interface Prefetched {
  readonly bytes: Buffer;
  /** Undefined when the store sent no ETag that is safe to send back. */
  readonly etag: string | undefined;
  /** S3's `Date` header, ms since 1970. */
  readonly serverDate: number | undefined;
}
