import type { OfferedRelease, ReleaseChange } from '../../bucket/documents/release.ts';
import { type VerifiedMetadata, versionOf } from './verified.ts';

/** A command that changes what an environment offers. It stays the same when it is retried. */
export interface ChangeRequest {
  readonly action: string;
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly reason: string;
  /** Of `promote`: the environment that the release comes from. */
  readonly from?: string | undefined;
}

/** Actions that choose the release of an environment. Others sign again what it has. */
export const CHOOSING: ReadonlySet<unknown> = new Set(['publish', 'promote', 'rollback']);

/** The actions that also pack the commit, and make or compare the bytes. */
export const MAKING: ReadonlySet<unknown> = new Set(['publish', 'promote']);

/** The statement for `mm log`, as it is signed beside the release that hosts get. */
export function changeOf(
  { action, by, startedAt, reason, from }: ChangeRequest,
  verified: VerifiedMetadata,
  role: string,
): ReleaseChange {
  return {
    ...{ action, by, at: toInstant(startedAt), reason, after: versionOf(verified, role) },
    ...(from === undefined ? {} : { from }),
  };
}

/**
 * Whether an earlier attempt of this same command was committed, and only its answer was lost.
 * Repeating it could be a second step, as with a rollback.
 */
export function isDone(
  { by, startedAt }: Pick<ChangeRequest, 'by' | 'startedAt'>,
  current: OfferedRelease | undefined,
): boolean {
  const { change } = current?.custom ?? {};
  return change?.by === by && change.at === toInstant(startedAt);
}

/** ISO 8601. */
export function toInstant(now: number): string {
  return new Date(now).toISOString();
}

/** `20270131T120000Z-0123456789ab`. */
export function releaseId(startedAt: number, sha256: string): string {
  return `${toSecond(startedAt).replace(/[-:]/g, '')}-${sha256.slice(0, 12)}`;
}

/** ISO 8601 without milliseconds. */
export function toSecond(now: number): string {
  return new Date(now).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
