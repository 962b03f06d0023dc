import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ReadEntry } from 'tar/read-entry';
import { syncDirectorySync } from '../../../shared/atomic-file.ts';
import { asDiskFull } from '../disk-space.ts';
import type { VerifiedTarball } from '../fetch.ts';
import { UnpackRules } from './rules.ts';
import { syncFileSystem } from './sync.ts';
import { TreeWriter } from './write.ts';

export interface UnpackLimits {
  /** Of the tar stream: all files, and at most a kilobyte more for each. */
  readonly maxBytes: number;
  /** Files, directories and links. */
  readonly maxFiles: number;
}

/** Whether a complete release is on the disk: its directory appears by a rename after the sync. */
export function isUnpacked(releaseDirectory: string): boolean {
  return existsSync(join(releaseDirectory, 'tree'));
}

/**
 * Unpacks a verified tarball to `<into>.partial/tree` and renames that to `<into>`. Does nothing if
 * `<into>` is complete. Files get mode 0644 or 0755, directories 0755, and the running user owns
 * them. A failure leaves nothing behind. Throws ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, DISK_FULL.
 */
export async function unpack(
  tarball: VerifiedTarball,
  into: string,
  { limits, signal }: { readonly limits: UnpackLimits; readonly signal: AbortSignal },
): Promise<void> {
  if (isUnpacked(into)) return;
  const partial = `${into}.partial`;
  const tree = join(partial, 'tree');
  mkdirSync(dirname(into), { recursive: true, mode: 0o700 });
  rmSync(partial, { recursive: true, force: true }); // an earlier crash may have left one
  try {
    mkdirSync(tree, { recursive: true });
    chmodSync(tree, 0o755); // independent of the umask
    await extract(tarball, tree, { limits, signal });
    await syncFileSystem(partial);
    signal.throwIfAborted();
    renameSync(partial, into);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    signal.throwIfAborted();
    throw asDiskFull(error, dirname(into));
  }
  syncDirectorySync(dirname(into));
}

async function extract(
  { path }: VerifiedTarball,
  tree: string,
  { limits, signal }: { readonly limits: UnpackLimits; readonly signal: AbortSignal },
): Promise<void> {
  const rules = new UnpackRules(limits.maxFiles);
  using writer = new TreeWriter(tree);
  const onEntry = (entry: ReadEntry): void => {
    const safe = rules.check(entry);
    if (safe === undefined) entry.resume();
    else writer.write(safe, entry);
  };
  // Loaded late: most cycles do not unpack and do not need the tar library.
  const { readArchive } = await import('./read-archive.ts');
  await readArchive({ path, maxBytes: limits.maxBytes, signal, onEntry });
}
