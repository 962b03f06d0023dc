import { dirname, join } from 'node:path';
import { ENVIRONMENT_NAME } from '../../bucket/documents/name-rules.ts';
import { syncDirectory } from '../../shared/atomic-file.ts';
import { mkdir, readdir, readlink, rename, rm, symlink } from '../../shared/files.ts';
import { type HostPaths, releasePaths } from '../paths.ts';
import { isUnpacked } from './unpack/unpack.ts';

export interface Activated {
  /** For `puppet apply --environmentpath`: leads to this release whatever is activated later. */
  readonly environmentPath: string;
}

/**
 * Makes an unpacked release the active one of an environment. The disk is the truth: what the environment's link
 * points to is active, before and after a crash at any moment.
 */
export async function activate(
  paths: HostPaths,
  { environment, sha256 }: { readonly environment: string; readonly sha256: string },
): Promise<Activated> {
  const release = releasePaths(paths, sha256);
  await mkdir(release.environments, { recursive: true, mode: 0o755 });
  await swapLink(join(release.environments, environment), '../tree');
  await syncDirectory(release.directory);
  await mkdir(paths.environments, { recursive: true, mode: 0o755 });
  await swapLink(join(paths.environments, environment), `../releases/${sha256}/tree`);
  return { environmentPath: release.environments };
}

/** sha256 of the active release; undefined when there is none, or it is not there (any more). */
export async function activeRelease(
  paths: HostPaths,
  environment: string,
): Promise<string | undefined> {
  const target = await readLinkIfThere(join(paths.environments, environment));
  const sha256 = target?.match(/^\.\.\/releases\/([0-9a-f]{64})\/tree$/)?.[1];
  if (sha256 === undefined) return undefined;
  return (await isUnpacked(releasePaths(paths, sha256).directory)) ? sha256 : undefined;
}

/** The active releases of all environments that this host ever followed. */
export async function activeReleases(paths: HostPaths): Promise<ReadonlySet<string>> {
  const active = new Set<string>();
  for (const name of await namesIn(paths.environments)) {
    if (!ENVIRONMENT_NAME.test(name)) continue;
    const sha256 = await activeRelease(paths, name);
    if (sha256 !== undefined) active.add(sha256);
  }
  return active;
}

/** The names in a directory; none when it is not there. */
export async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function swapLink(link: string, target: string): Promise<void> {
  const next = `${link}.next`; // no environment: Puppet's names have no dots
  await rm(next, { force: true }); // left over from a crash
  await symlink(target, next);
  await rename(next, link);
  await syncDirectory(dirname(link)); // else a power cut can undo the rename
}

async function readLinkIfThere(link: string): Promise<string | undefined> {
  try {
    return await readlink(link);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
