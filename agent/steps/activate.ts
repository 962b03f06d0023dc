import { chmodSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ENVIRONMENT_NAME } from '../../bucket/documents/name-rules.ts';
import { syncDirectorySync } from '../../shared/atomic-file.ts';
import { asFileError, makeDirectorySync } from '../../shared/disk-error.ts';
import { isFileError } from '../../shared/files.ts';
import { type HostPaths, releasePaths } from '../paths.ts';
import { isUnpacked } from './unpack/unpack.ts';

export interface Activated {
  /** For `puppet apply --environmentpath`. No later activation changes its target. */
  readonly environmentPath: string;
}

/**
 * Makes an unpacked release the active one of an environment. The release that the environment's
 * link points to is active, before and after a crash at any moment.
 */
export function activate(
  paths: HostPaths,
  { environment, sha256 }: { readonly environment: string; readonly sha256: string },
): Activated {
  const release = releasePaths(paths, sha256);
  makeReadable(release.environments);
  swapLink(join(release.environments, environment), '../tree');
  syncDirectorySync(release.directory);
  makeReadable(paths.environments);
  swapLink(join(paths.environments, environment), `../releases/${sha256}/tree`);
  return { environmentPath: release.environments };
}

/**
 * sha256 of the active release; undefined when no link exists, or its release is not on the disk.
 */
export function activeRelease(paths: HostPaths, environment: string): string | undefined {
  const target = readLinkIfThere(join(paths.environments, environment));
  const sha256 = target?.match(/^\.\.\/releases\/([0-9a-f]{64})\/tree$/)?.[1];
  if (sha256 === undefined) return undefined;
  return isUnpacked(releasePaths(paths, sha256).directory) ? sha256 : undefined;
}

/** The active releases of all environments that have a link on this host. */
export function activeReleases(paths: HostPaths): ReadonlySet<string> {
  const active = new Set<string>();
  for (const name of namesIn(paths.environments)) {
    if (!ENVIRONMENT_NAME.test(name)) continue;
    const sha256 = activeRelease(paths, name);
    if (sha256 !== undefined) active.add(sha256);
  }
  return active;
}

/** The names in a directory; an empty list when it does not exist. Throws FILE_FAILED. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return [];
    throw asFileError(error);
  }
}

/** Sets the mode independently of the umask: only `releases.mode` decides who may enter. */
function makeReadable(directory: string): void {
  makeDirectorySync(directory, 0o755);
  chmodSync(directory, 0o755);
}

function swapLink(link: string, target: string): void {
  const next = `${link}.next`; // cannot be an environment: Puppet's names have no dots
  rmSync(next, { force: true }); // an earlier crash may have left one
  symlinkSync(target, next);
  renameSync(next, link);
  syncDirectorySync(dirname(link)); // without this a power cut can undo the rename
}

/** Something else in the place of the link counts as missing: the next activation replaces it. */
function readLinkIfThere(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EINVAL'].some((code) => isFileError(error, code))) return undefined;
    throw asFileError(error);
  }
}
