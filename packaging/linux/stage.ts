import { chmod, lutimes, mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PackageFile } from '../contents/files.ts';

/**
 * Writes the files and empty directories of a package below `folder`, with the modes that they get
 * on a host under any umask of the builder, and with the same time, seconds since 1970.
 */
export async function stage(
  folder: string,
  request: {
    readonly files: readonly PackageFile[];
    readonly directories: readonly string[];
    readonly time: number;
  },
): Promise<void> {
  const { files, directories, time } = request;
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o755);
  for (const path of directories) await makeDirectory(folder, path);
  for (const { path, mode, content } of files) {
    await makeDirectory(folder, dirname(path));
    await writeFile(join(folder, path), content);
    await chmod(join(folder, path), mode);
  }
  for (const path of ['.', ...(await readdir(folder, { recursive: true }))]) {
    await lutimes(join(folder, path), time, time);
  }
}

async function makeDirectory(folder: string, path: string): Promise<void> {
  if (path === '.') return;
  await makeDirectory(folder, dirname(path));
  await mkdir(join(folder, path), { recursive: true });
  await chmod(join(folder, path), 0o755);
}
