import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, PROGRAMS } from '../../packaging/build.ts';
import { currentRelease } from '../../packaging/contents/release.ts';
import type { Parts } from '../../packaging/linux/linux-package.ts';
import { strippedRuntime } from '../../packaging/runtime.ts';

/** A version that is newer than any of ours. */
export const NEXT = '99.0.0';

/** What packages for x64 are made from; bundles the programs below `directory`. */
export async function builtParts(directory: string): Promise<Parts> {
  const bundleDirectory = join(directory, 'dist');
  await build({ programs: PROGRAMS, outputDirectory: bundleDirectory });
  const runtime = await strippedRuntime('x64');
  return { bundleDirectory, architecture: 'x64', runtime, release: await currentRelease() };
}

/** The same for a package of a later version, whose programs say so. */
export async function nextParts(parts: Parts): Promise<Parts> {
  const { release } = parts;
  const bundleDirectory = `${parts.bundleDirectory}-next`;
  await cp(parts.bundleDirectory, bundleDirectory, { recursive: true });
  for (const name of await readdir(bundleDirectory)) {
    const path = join(bundleDirectory, name);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replaceAll(`"${release.version}"`, `"${NEXT}"`));
  }
  return { ...parts, bundleDirectory, release: { ...release, version: NEXT } };
}
