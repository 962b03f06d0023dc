import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeNewFile } from '../../files/write-new-file.ts';

/**
 * Makes the directory of a key file. Its `.gitignore` covers everything in it, so that `git add
 * --all` cannot commit a signing key, whichever repository the directory is in.
 */
export async function makeKeysDirectory(keyFile: string): Promise<void> {
  const directory = dirname(keyFile);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeNewFile(join(directory, '.gitignore'), '*\n', 0o600);
}
