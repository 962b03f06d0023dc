import { CodedError } from '../../shared/coded-error.ts';
import { treeIdOf } from '../../trust/workflow/inspect.ts';
import { unreadableLines } from '../metadata/heard-releases.ts';
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
  let isFirst = true;
  const read = async () => {
    const verified = await readBucket(options);
    if (isFirst) for (const line of unreadableLines(verified)) options.notice?.(line);
    isFirst = false;
    return verified;
  };
  return { ...options, read };
}
