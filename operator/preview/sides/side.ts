import {
  type EnvironmentConf,
  parseEnvironmentConf,
} from '../../../bucket/documents/environment-conf.ts';
import { OWN_FILES } from '../../release/check.ts';
import type { SourceTree } from '../../release/tree/tree.ts';

/** One side of a comparison: a release, or the files that a publication would make a release of. */
export interface Side {
  /** The name for people: `stable 1.4.2`, `main`, `the work tree`. */
  readonly name: string;
  readonly commit: string | null;
  /** Version label of a release; null for what was never published. */
  readonly version: string | null;
  /** sha256 of the tarball of a release. */
  readonly sha256: string | null;
  readonly tree: SourceTree;
  readonly conf: EnvironmentConf;
}

/** Before the first publication. */
export function nothingPublished(environment: string): Side {
  const tree: SourceTree = {
    entries: [],
    emptySubmodules: [],
    withheld: [],
    modules: [],
    commit: null,
    ref: null,
    committedAt: null,
  };
  return {
    name: `${environment} (nothing published)`,
    ...{ commit: null, version: null, sha256: null, tree },
    conf: parseEnvironmentConf(''),
  };
}

/**
 * Leaves out the files that mm itself writes into a release. They differ each time, and no author
 * changed them.
 */
export function withoutOwnFiles(tree: SourceTree): SourceTree {
  const own: readonly string[] = Object.values(OWN_FILES);
  return { ...tree, entries: tree.entries.filter(({ path }) => !own.includes(path)) };
}
