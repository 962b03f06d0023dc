import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { syncDirectorySync } from '../../../shared/atomic-file.ts';

/**
 * Returns when all that was written to the file system of `directory` is on the disk. Only then may a release get its
 * name: after a power cut a name that is there must stand for content that is there too.
 *
 * Thousands of fsync calls take 15 times as long as the one syncfs that they amount to. Node has no syncfs, so
 * coreutils' `sync -f` does it. A Mac's `sync` knows no `-f` and leaves the disk's own cache alone; the fsync of the
 * directory, which Node makes an F_FULLFSYNC there, empties that.
 */
export async function syncFileSystem(directory: string): Promise<void> {
  const options = process.platform === 'darwin' ? [] : ['-f', directory];
  await promisify(execFile)('/bin/sync', options, { env: { LC_ALL: 'C' } });
  syncDirectorySync(directory);
}
