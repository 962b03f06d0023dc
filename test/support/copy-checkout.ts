import { cp } from 'node:fs/promises';
import { relative } from 'node:path';
import { ROOT } from '../../packaging/build.ts';

const LEFT_OUT = new Set(['.git', 'node_modules', 'dist', 'build']);

/**
 * Copies the checkout as a new clone has it, uncommitted work included, to a directory that is not
 * there.
 */
export async function copyCheckoutTo(directory: string): Promise<void> {
  await cp(ROOT, directory, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !LEFT_OUT.has(relative(ROOT, path)),
  });
}
