import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const live = new Set<string>();

/**
 * Runs `work` with a new directory in `parent` and removes it afterwards, also when `work` throws.
 */
export async function withTemporaryDirectory<T>(
  purpose: string,
  work: (directory: string) => Promise<T>,
  parent = tmpdir(),
): Promise<T> {
  const directory = await mkdtemp(join(parent, `mm-${purpose}-`));
  live.add(directory);
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
    live.delete(directory);
  }
}

/** Removes all of them at once. A process that a signal ends calls it. */
export function removeTemporaryDirectories(): void {
  for (const directory of live) rmSync(directory, { recursive: true, force: true });
}
