import { CodedError } from '../../shared/coded-error.ts';
import { treeIdOf } from '../../trust/workflow/inspect.ts';
import { readBucket } from './read-bucket.ts';
import type { Repository, RepositoryOptions } from './repository.ts';

/** Opens an initialized tree. Throws TREE_MISMATCH when the root belongs to another tree. */
export function openRepository(options: RepositoryOptions): Repository {
  const found = treeIdOf(options.root);
  if (found !== options.treeId) {
    throw new CodedError(
      `the root file belongs to tree ${found}, the configuration says ${options.treeId}`,
      {
        code: 'TREE_MISMATCH',
        next: 'compare id: in miyamoto.yaml with the root file beside it',
      },
    );
  }
  return { ...options, read: () => readBucket(options) };
}
