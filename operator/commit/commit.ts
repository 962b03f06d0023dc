import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '../../shared/coded-error.ts';
import type { SignedFile } from '../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { Blob, Change } from './change.ts';
import type { Repository } from './repository.ts';
import { signAndUpload } from './sign-and-upload.ts';

/** What somebody wants, told anew for the state that the bucket turns out to be in. */
export type Intent<T> = (verified: VerifiedMetadata) => Promise<Planned<T>> | Planned<T>;
export type Planned<T> =
  | { readonly kind: 'change'; readonly change: Change; readonly answer: T }
  /** The state is as wanted. */
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

/** Enough for three people whose CI publishes all day; a bucket that always answers 412 must end, too. */
const MAX_ATTEMPTS = 30;
const MAX_PAUSE_MS = 3000;

/**
 * The one way in which signed metadata gets into a bucket: init, publish and all that follows state an intent, and this
 * signs and uploads it so that hosts see the old state or the new one and no publisher's work is lost (docs/trust.md, I5 and I6).
 * The order holds everything: blobs, roles, snapshot, and last the timestamp, which only replaces the one that was read.
 * Throws PUBLISH_LOST when other publishers were first every time, KEY_MISSING without the keys that a role needs,
 * METADATA_EXPIRED when hosts could not follow because of a role that is not renewed here.
 */
export async function commit<T>(repository: Repository, intent: Intent<T>): Promise<Committed<T>> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const verified = await repository.read();
    const planned = await intent(verified);
    if (planned.kind === 'nothing') return planned;
    const files = await signAndUpload(repository, verified, planned.change);
    if (files !== 'lost') {
      const { answer, change } = planned;
      return { kind: 'committed', answer, files, blobs: change.blobs, attempts: attempt };
    }
    // Full jitter: those who lost to the same winner must not meet again.
    await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 50 * 2 ** attempt));
  }
  throw new CodedError(`other publishers were first ${MAX_ATTEMPTS} times; nothing was published`, {
    code: 'PUBLISH_LOST',
    next: 'mm releases, to see who publishes; then try again',
  });
}
