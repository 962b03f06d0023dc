/** A file or link of a Puppet environment; `path` is relative to its top, with "/" between names. */
export type TreeEntry =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly isExecutable: boolean;
      readonly content: Buffer;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

/** A Puppet environment, read but not checked, and where it came from. */
export interface SourceTree {
  readonly entries: readonly TreeEntry[];
  /** Paths at which git only notes the commit of another repository, and nothing lies. */
  readonly emptySubmodules: readonly string[];
  /** The commit, null for a work tree. */
  readonly commit: string | null;
  /** As the configuration or the operator names it, null for a work tree. */
  readonly ref: string | null;
  /** The commit's own time, null for a work tree. */
  readonly committedAt: Date | null;
}

/** What a release may hold; what hosts unpack by default (`releases` in agent.yaml). */
export const LIMITS = {
  entries: 100_000,
  bytes: 1024 ** 3,
  tarballBytes: 256 * 1024 ** 2,
  nameBytes: 255,
  pathBytes: 1024,
} as const;
