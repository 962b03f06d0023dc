import type { TrustOptions } from '../../trust/reader.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { SigningMode } from '../metadata/expiry-days.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { ShowProgress } from './progress.ts';
import type { TreePlace } from './stored-files.ts';

/** The signed metadata of one tree in a bucket, and what mm needs to sign changes. */
export interface Repository extends TreePlace {
  /** The signed `x-tree`. */
  readonly treeId: string;
  readonly keyring: Keyring;
  readonly mode?: SigningMode | undefined;
  /** ms since 1970. */
  now(): number;
  /** Verifies the bucket. Throws on every problem: mm signs nothing on top of it. */
  read(): Promise<VerifiedMetadata>;
  /** Prints a line for the person who publishes. */
  notice?(line: string): void;
  readonly showProgress?: ShowProgress | undefined;
}

export interface RepositoryOptions extends Omit<Repository, 'read'> {
  /** The bytes of the root.json that is the trust root. */
  readonly root: Uint8Array;
  /**
   * What this publisher has verified before. Without it a bucket that was reset to an older state
   * looks valid, and a commit on top of it would make the older state the newest one (attack L).
   */
  readonly stateDirectory: string;
  /** Read an expired bucket also when nothing was verified before. */
  readonly trustBucket?: boolean | undefined;
  /**
   * Environments whose releases are read, besides those that targets delegates. `all`: only the
   * delegated ones.
   */
  readonly environments: readonly string[] | 'all';
}

/** What a refresh needs, apart from the source of the files. */
export function trustOptions(
  { root, now }: Pick<RepositoryOptions, 'root' | 'now'>,
  directory: string,
): TrustOptions {
  return { directory, packagedRoot: root, environments: [], clock: { now } };
}
