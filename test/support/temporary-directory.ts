import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';

/** A directory for one test, removed when the test ends. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'miyamoto-test-'));
  t.after(async () => {
    const remove = () => rm(directory, { recursive: true, force: true });
    await remove().catch(async () => {
      // An ordinary user cannot empty a directory that the test made unreadable.
      await promisify(execFile)('chmod', ['-R', 'u+rwX', directory]);
      await remove();
    });
  });
  return directory;
}

/** The sorted names in a directory; empty when it does not exist. */
export async function names(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch {
    return [];
  }
}
