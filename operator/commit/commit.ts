import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../../shared/coded-error.ts';
import type { SignedFile } from '../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { Repository } from '../repository/repository.ts';
import type { Blob, Change } from './change.ts';
import { signAndUpload } from './sign-and-upload.ts';

/*
 * The one way in which signed metadata gets into a bucket. Every command states an intent: a
 * function from the verified state to the change that it wants. `commit` verifies the bucket, asks
 * the intent, signs, and uploads in the order that keeps every host able to follow; the last upload
 * replaces timestamp.json only if it is still the one that was read. When another publisher was
 * first, it begins again with the same intent, so that no publication is lost.
 *
 *   read-bucket.ts      verify the whole bucket, as a host and with what was seen before
 *   recovery/           the same for a bucket that fails verification, to repair it
 *   sign-and-upload.ts  one try: blobs, roles, snapshot, then the timestamp: the commit point
 *   versions.ts         which versions the files get
 *   affected.ts         which roles a change of keys leaves without a valid signature
 */

/** The intent of a command. Called again for each new state of the bucket. */
export type Intent<T> = (verified: VerifiedMetadata) => Promise<Planned<T>> | Planned<T>;
export type Planned<T> =
  | { readonly kind: 'change'; readonly change: Change; readonly answer: T }
  /** Nothing has to change. */
  | { readonly kind: 'nothing'; readonly answer: T };

export type Committed<T> =
  | {
      readonly kind: 'committed';
      readonly answer: T;
      /** The metadata as uploaded, timestamp last. */
      readonly files: readonly SignedFile[];
      readonly blobs: readonly Blob[];
      readonly attempts: number;
    }
  | { readonly kind: 'nothing'; readonly answer: T };

/** The number of attempts. Enough for three people whose CI publishes all day. */
const MAX_ATTEMPTS = 30;
/**
 * The limit of attempts that fail without a newer timestamp. Nobody published then: the writer has
 * no key, and must not make mm sign without end.
 */
const MAX_LOST_TO_NOBODY = 3;
const MAX_PAUSE_MS = 3000;

/**
 * Throws PUBLISH_LOST when others wrote first every time, KEY_MISSING without the keys that a role
 * needs, METADATA_EXPIRED when an expired role that is not renewed here would stop all hosts, and
 * every error of the verification.
 */
export async function commit<T>(repository: Repository, intent: Intent<T>): Promise<Committed<T>> {
  let seen = -1;
  let lostToNobody = 0;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const verified = await repository.read();
    lostToNobody = verified.timestampVersion === seen ? lostToNobody + 1 : 0;
    if (lostToNobody >= MAX_LOST_TO_NOBODY) throw lost(lostToNobody, true);
    seen = verified.timestampVersion;
    const planned = await intent(verified);
    if (planned.kind === 'nothing') return planned;
    const files = await signAndUpload(repository, verified, planned.change).catch(lostIfRaced);
    if (files !== 'lost') {
      const { answer, change } = planned;
      return { kind: 'committed', answer, files, blobs: change.blobs, attempts: attempt };
    }
    // Full jitter: publishers who lost to the same winner must not collide again.
    await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 50 * 2 ** attempt));
  }
  throw lost(MAX_ATTEMPTS, false);
}

function lostIfRaced(error: unknown): 'lost' {
  if (error instanceof CodedError && error.code === 'PUBLISH_LOST') return 'lost';
  throw error;
}

function lost(times: number, isNobody: boolean): CodedError {
  const why = isNobody
    ? `another writer replaced the metadata ${times} times without publishing anything`
    : `other publishers were first ${times} times`;
  return new CodedError(`${why}; nothing was published`, {
    code: 'PUBLISH_LOST',
    next: isNobody
      ? 'find out who writes to the bucket, with mm log; then run the same command again'
      : 'mm log, to see who publishes; then run the same command again',
  });
}
