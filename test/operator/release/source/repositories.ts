import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { git } from '../../operator-lab.ts';

export const env = { PATH: process.env['PATH'] };

export async function write(directory: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
}

export async function commit(directory: string, files: Record<string, string>): Promise<string> {
  await write(directory, files);
  await git(directory, 'add', '--all');
  await git(directory, 'commit', '--quiet', '--allow-empty', '--message', 'a change');
  return await git(directory, 'rev-parse', 'HEAD');
}

export async function repository(t: TestContext, files: Record<string, string>): Promise<string> {
  const directory = await temporaryDirectory(t);
  await git(directory, 'init', '--quiet', '--initial-branch=main');
  await commit(directory, files);
  return directory;
}
