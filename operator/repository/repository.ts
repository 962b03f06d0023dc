import type { TrustOptions } from '../../trust/reader.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { SigningMode } from '../metadata/expiry-days.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { TreePlace } from './stored-files.ts';

/** The signed metadata of one tree in a bucket, and what is needed to sign more of it. */
export interface Repository extends TreePlace {
  /** The signed `x-tree`. */
  readonly treeId: string;
  readonly keyring: Keyring;
  readonly mode?: SigningMode | undefined;
  /** ms since 1970. */
  now(): number;
  /** Verifies what the bucket holds. Every alarm is an error: nothing is signed on top of it. */
  read(): Promise<VerifiedMetadata>;
  /** A line for the person who publishes. */
  notice?(line: string): void;
}

export interface RepositoryOptions extends Omit<Repository, 'read'> {
  /** The bytes of the root.json that everything is trusted by. */
  readonly root: Uint8Array;
  /**
   * What this publisher has verified before. Without it a bucket that was put back to an older
   * state looks honest, and to sign on top of that would make the older state the newest one
   * (attack L).
   */
  readonly stateDirectory: string;
  /**
   * Environments whose offers are read, besides those that targets delegates; `all`: only those.
   */
  readonly environments: readonly string[] | 'all';
}

/** What a refresh needs, apart from where the files come from. */
export function trustOptions(
  { root, now }: Pick<RepositoryOptions, 'root' | 'now'>,
  directory: string,
): TrustOptions {
  return { directory, packagedRoot: root, environments: [], clock: { now } };
}
