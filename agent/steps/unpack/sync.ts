import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { syncDirectorySync } from '../../../shared/atomic-file.ts';

/**
 * Returns when everything that was written to the file system of `directory` is on the disk. Only
 * then may a release get its final name: after a power cut, a name must never exist without its
 * content.
 *
 * One syncfs is 15 times faster than thousands of fsync calls. Node has no syncfs, so `sync -f` of
 * coreutils does it. On a Mac `sync` has no `-f` and does not flush the cache of the disk itself;
 * the fsync of the directory does, because Node uses F_FULLFSYNC there.
 */
export async function syncFileSystem(directory: string): Promise<void> {
  const options = process.platform === 'darwin' ? [] : ['-f', directory];
  await promisify(execFile)('/bin/sync', options, { env: { LC_ALL: 'C' } });
  syncDirectorySync(directory);
}
