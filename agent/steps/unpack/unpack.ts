import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { ReadEntry } from 'tar/read-entry';
import { UnpackRules, type UnpackRulesOptions } from '../../../bucket/archive/unpack-rules.ts';
import { syncDirectorySync } from '../../../shared/atomic-file.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { asFileError } from '../../../shared/disk-error.ts';
import { orUndefined } from '../../../shared/files.ts';
import type { VerifiedTarball } from '../fetch/fetch.ts';
import { syncFileSystem } from './sync.ts';
import { TreeWriter } from './write.ts';

/*
 * A verified tarball becomes a release directory. Its signer may still be hostile: bucket/archive
 * refuses what node-tar tolerates and decides on each entry, write.ts writes it, and sync.ts makes
 * it durable before the directory gets its final name.
 */

export interface UnpackLimits {
  /** Bytes of the tar stream: all files, and at most one more kilobyte for each. */
  readonly maxBytes: number;
  /** Files, directories and links. */
  readonly maxFiles: number;
}

/** Whether a complete release is on the disk: its directory appears by a rename after the sync. */
export function isUnpacked(releaseDirectory: string): boolean {
  return orUndefined(() => lstatSync(join(releaseDirectory, 'tree')))?.isDirectory() === true;
}

/** The name of a marker file beside the tree of a release with links that leave it. */
const LEAVING_LINKS = 'has-leaving-links';

/**
 * Checks an unpacked release again before it is used, because a release of another environment can
 * have the same tarball. Throws ARCHIVE_UNSAFE when it has links that leave it, and the signed
 * metadata of this environment does not allow them.
 */
export function requireAllowedLinks(releaseDirectory: string, links: LinkRule): void {
  if (links === 'keep' || !existsSync(join(releaseDirectory, LEAVING_LINKS))) return;
  throw new CodedError(
    `${releaseDirectory} has links that leave the release, and its signed metadata does not keep links`,
    { code: 'ARCHIVE_UNSAFE', next: 'publish the release again with "mm publish"' },
  );
}

export type LinkRule = UnpackRulesOptions['links'];

export interface UnpackOptions {
  readonly limits: UnpackLimits;
  readonly links: LinkRule;
  readonly signal: AbortSignal;
}

/**
 * Unpacks a verified tarball to `<into>.partial/tree` and renames that to `<into>`. Does nothing if
 * `<into>` is complete. Files get mode 0644 or 0755, directories 0755, and the running user owns
 * them. A failure leaves nothing behind. Throws ARCHIVE_UNSAFE, ARCHIVE_TOO_LARGE, DISK_FULL.
 */
export async function unpack(
  tarball: VerifiedTarball,
  into: string,
  options: UnpackOptions,
): Promise<void> {
  const { signal } = options;
  if (isUnpacked(into)) return;
  const partial = `${into}.partial`;
  const tree = join(partial, 'tree');
  mkdirSync(dirname(into), { recursive: true, mode: 0o700 });
  rmSync(partial, { recursive: true, force: true }); // an earlier crash may have left one
  try {
    mkdirSync(tree, { recursive: true });
    for (const directory of [partial, tree]) chmodSync(directory, 0o755); // despite the umask
    const { leavingLinks } = await extract(tarball, tree, options);
    if (leavingLinks > 0) writeFileSync(join(partial, LEAVING_LINKS), '');
    await syncFileSystem(partial);
    signal.throwIfAborted();
    rmSync(into, { recursive: true, force: true }); // a mishap may have left a part of it
    renameSync(partial, into);
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    signal.throwIfAborted();
    throw asFileError(error, into);
  }
  syncDirectorySync(dirname(into));
}

async function extract(
  { path }: VerifiedTarball,
  tree: string,
  { limits, links, signal }: UnpackOptions,
): Promise<UnpackRules> {
  // Tries the directory itself, because macOS can have a file system that respects case, and Linux
  // one that ignores it.
  const ignoresCase = existsSync(join(dirname(tree), 'TREE'));
  const names = ignoresCase ? 'portable' : 'any';
  const rules = new UnpackRules({ maxFiles: limits.maxFiles, names, links });
  using writer = new TreeWriter(tree);
  const onEntry = (entry: ReadEntry): void => {
    const safe = rules.check(entry);
    if (safe === undefined) entry.resume();
    else writer.write(safe, entry);
  };
  // Loaded late: most cycles do not unpack and do not need the tar library.
  const { readArchive } = await import('../../../bucket/archive/read-archive.ts');
  await readArchive({ path, maxBytes: limits.maxBytes, signal, onEntry });
  writer.makeLinks();
  return rules;
}
