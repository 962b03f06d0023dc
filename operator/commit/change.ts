import type { Draft, RoleContent } from '../metadata/signed-file.ts';

/** A release tarball for the bucket. */
export interface Blob {
  readonly sha256: string;
  readonly length: number;
  /** A temporary file. It exists until the commit has ended. */
  readonly path: string;
}

/** What a commit changes. Snapshot and timestamp follow from it. */
export interface Change {
  readonly blobs: readonly Blob[];
  /** New content by role name: `targets`, `env-<name>`. */
  readonly roles: ReadonlyMap<string, RoleContent>;
  /** The next root. */
  readonly root?: RoleContent | undefined;
  /**
   * Documents that several people have already signed, by role. They are uploaded unchanged, or not
   * at all.
   */
  readonly drafts?: ReadonlyMap<string, Draft> | undefined;
  /**
   * Versions of snapshot and timestamp start at 1 again, because the next root replaces every
   * online key.
   */
  readonly restart?: boolean | undefined;
  /** Sign a new timestamp only: hosts need one request less to follow. */
  readonly keepSnapshot?: boolean | undefined;
}
