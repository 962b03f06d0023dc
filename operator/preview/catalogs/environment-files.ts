import { OLD_SITE } from '../../release/check-shape.ts';
import { writeTree } from '../../release/tree/write-tree.ts';
import type { Side } from '../sides/side.ts';

/**
 * Writes a side as an environment for Puppet. The directory must be new. Returns what to compile
 * instead of the manifest of the environment: for repositories of the older form it is a directory,
 * as hosts make one. Throws ARCHIVE_UNSAFE, because a release may have been signed without mm.
 */
export async function writeEnvironment(
  { tree: { entries }, conf }: Side,
  directory: string,
): Promise<string | null> {
  // This machine does not have the files that a host has outside of the release.
  await writeTree(entries, directory, 'skip');
  const hasManifest =
    conf.manifest !== undefined || entries.some(({ path }) => path.startsWith('manifests/'));
  if (hasManifest || !entries.some(({ path }) => path === OLD_SITE)) return null;
  const manifests = `${directory}.manifests`;
  const parts = entries.filter(({ kind, path }) => {
    return kind === 'file' && (path === OLD_SITE || /^classes\/.+\.pp$/.test(path));
  });
  await writeTree(parts, manifests, 'skip');
  return manifests;
}
