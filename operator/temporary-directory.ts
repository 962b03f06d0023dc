import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const live = new Set<string>();

/** A directory for the time of the work, removed however that ends. */
export async function withTemporaryDirectory<T>(
  purpose: string,
  work: (directory: string) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), `mm-${purpose}-`));
  live.add(directory);
  try {
    return await work(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
    live.delete(directory);
  }
}

/** For a process that a signal ends. */
export function removeTemporaryDirectories(): void {
  for (const directory of live) rmSync(directory, { recursive: true, force: true });
}
