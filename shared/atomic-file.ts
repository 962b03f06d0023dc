import { fsyncSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { withOpenFile } from './files.ts';

interface FileOptions {
  /** 0644 by default. */
  readonly mode?: number;
}

/**
 * Writes a file so that after a crash or power cut it has the old content or the new, never a part:
 * temporary file in the same directory, sync, rename, sync of the directory. A failed write leaves
 * nothing behind.
 */
export function writeFileAtomicSync(
  path: string,
  content: string | Uint8Array,
  options: FileOptions = {},
): void {
  replace(path, content, options, fsyncSync);
  syncDirectorySync(dirname(path));
}

/**
 * Writes a file so that a reader finds the old content or the new. After a power cut it may have any
 * content. A failed write leaves nothing behind.
 */
export function replaceFileSync(
  path: string,
  content: string | Uint8Array,
  options: FileOptions = {},
): void {
  replace(path, content, options, () => undefined);
}

function replace(
  path: string,
  content: string | Uint8Array,
  { mode = 0o644 }: FileOptions,
  finish: (fd: number) => void,
): void {
  // Always the same name, so that the next write replaces what a crash left. Writers hold a lock.
  const temporary = `${path}.tmp`;
  try {
    withOpenFile(temporary, 'w', mode, (fd) => {
      writeFileSync(fd, content);
      finish(fd);
    });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Makes renames and new names in the directory durable; without it a power cut can undo them. */
export function syncDirectorySync(path: string): void {
  withOpenFile(path, 'r', undefined, fsyncSync);
}
