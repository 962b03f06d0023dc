import type { ErrorCode } from '../../../shared/coded-error.ts';
import type { Content } from './spool.ts';

/*
 * The files of a release while it is made. tree-builder.ts collects them, exclude.ts leaves some
 * out, walk.ts adds a directory, and spool.ts keeps their contents on disk.
 */

/**
 * A file or link of a Puppet environment. `path` is relative to its root, with "/" between names.
 */
export type TreeEntry =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly isExecutable: boolean;
      readonly content: Content;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

export type FileEntry = Extract<TreeEntry, { kind: 'file' }>;

/** A path that git knows, and whose real content is not in the source. */
export interface Withheld {
  readonly path: string;
  /** Completes the sentence "<path> ...". */
  readonly why: string;
}

/** A module of a release. */
export interface ReleaseModule {
  readonly name: string;
  /** From metadata.json; null when it has none. */
  readonly version: string | null;
  /** URL of its git repository; null when it is part of the repository that was published. */
  readonly source: string | null;
  readonly commit: string | null;
}

/** A Puppet environment as it was read, before any check, and where it came from. */
export interface SourceTree {
  readonly entries: readonly TreeEntry[];
  /** Paths of submodules whose commit is not in this clone. */
  readonly emptySubmodules: readonly string[];
  /** Paths that cannot be published as they are. They are refused unless they are excluded. */
  readonly withheld: readonly Withheld[];
  /** The commit; null for a work tree. */
  readonly commit: string | null;
  /** As the configuration or the operator names it; null for a work tree. */
  readonly ref: string | null;
  /** For release.json; undefined: none is known. */
  readonly modules?: readonly ReleaseModule[] | undefined;
  /** Time of the commit; null for a work tree. */
  readonly committedAt: Date | null;
}

/** Why a tree cannot be published. */
export interface TreeProblem {
  readonly code: Extract<ErrorCode, 'ARCHIVE_UNSAFE' | 'ARCHIVE_TOO_LARGE' | 'RELEASE_INVALID'>;
  /** Null when the tree as a whole has the problem. */
  readonly path: string | null;
  /** Counts from 1; null when no line can be named. */
  readonly line: number | null;
  /** Completes the sentence "<path> line <line> ..."; without a path it is the whole sentence. */
  readonly message: string;
  /** What to do; undefined: correct what the message names. */
  readonly next?: string;
}

/** Limits of a release. Hosts unpack this much by default (`releases` in agent.yaml). */
export const LIMITS = {
  entries: 100_000,
  bytes: 1024 ** 3,
  tarballBytes: 256 * 1024 ** 2,
} as const;
