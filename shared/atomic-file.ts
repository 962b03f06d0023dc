import { dirname } from 'node:path';
import { type OpenFile, open, rename, rm } from './files.ts';

/** `mode` is 0644 where nothing else is said. */
interface FileOptions {
  readonly mode?: number;
}

/**
 * Writes a file so that after a crash or power cut there is the old content or the new, never a part: temporary file
 * in the same directory, sync, rename, sync of the directory. Nothing stays behind when it fails.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: FileOptions = {},
): Promise<void> {
  await replace(path, content, options, (file) => file.sync());
  await syncDirectory(dirname(path));
}

/** Writes a file so that a reader finds the old content or the new. A power cut may leave any; nothing stays behind. */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  options: FileOptions = {},
): Promise<void> {
  await replace(path, content, options, async () => undefined);
}

async function replace(
  path: string,
  content: string | Uint8Array,
  { mode = 0o644 }: FileOptions,
  finish: (file: OpenFile) => Promise<void>,
): Promise<void> {
  // One name: what a crash left over is replaced by the next write. Writers of a file hold a lock.
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, 'w', mode);
    try {
      await file.write(content);
      await finish(file);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Makes renames and new names in the directory durable; without it a power cut can undo them. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
