import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { leavesRelease, pathProblem, targetProblem } from '../../../bucket/documents/tree-rules.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { TreeEntry } from './tree.ts';

/**
 * Writes entries below a directory, which is made if it is not there. Nothing in it is replaced.
 * `leavingLinks`: what happens to links that leave the tree. Throws ARCHIVE_UNSAFE, because a
 * release may have been signed without mm.
 */
export async function writeTree(
  entries: readonly TreeEntry[],
  directory: string,
  leavingLinks: 'make' | 'skip',
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const links = entries.filter(({ kind }) => kind === 'link');
  const inOrder = [...entries.filter(({ kind }) => kind === 'file'), ...links];
  // Every directory is made before the first link, and links are made last: nothing is written
  // through a link, not even another link.
  for (const entry of inOrder) {
    requireSafe(entry);
    await mkdir(dirname(join(directory, entry.path)), { recursive: true });
  }
  for (const entry of inOrder) await writeEntry(entry, directory, leavingLinks);
}

function requireSafe(entry: TreeEntry): void {
  const { path } = entry;
  const problem =
    pathProblem(path, 'any') ??
    (entry.kind === 'link' ? targetProblem(entry.target, 'any') : undefined);
  if (problem !== undefined) throw unsafe(path, problem);
}

async function writeEntry(
  entry: TreeEntry,
  directory: string,
  leavingLinks: 'make' | 'skip',
): Promise<void> {
  const { path } = entry;
  const file = join(directory, path);
  if (entry.kind === 'link') {
    if (leavingLinks === 'skip' && leavesRelease(path, entry.target)) return;
    return await symlink(entry.target, file).catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === 'EEXIST' ? unsafe(path, 'is a link and something else, too') : cause;
    });
  }
  await writeFile(file, entry.content.chunks(), { flag: 'wx' });
  if (entry.isExecutable) await chmod(file, 0o755);
}

function unsafe(path: string, problem: string): CodedError {
  return new CodedError(`${JSON.stringify(path.slice(0, 200))} ${problem}`, {
    code: 'ARCHIVE_UNSAFE',
    next: 'correct it, or leave it out with publish.exclude in miyamoto.yaml',
  });
}
