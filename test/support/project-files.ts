import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

export const PROJECT = join(import.meta.dirname, '../..');

const NOT_OURS = new Set(['node_modules', 'dist', 'build', '.git']);

/**
 * Every folder of the project that holds a file, without what is installed or built; from the root,
 * sorted.
 */
export function projectFolders(): readonly string[] {
  return [...new Set(projectFiles().map((file) => dirname(file)))].sort();
}

/** Every file of the project, without what is installed or built; from the root, sorted. */
export function projectFiles(): readonly string[] {
  files ??= walk('').sort();
  return files;
}

let files: readonly string[] | undefined;

function walk(folder: string): string[] {
  return readdirSync(join(PROJECT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [path];
    return NOT_OURS.has(entry.name) ? [] : walk(path);
  });
}
