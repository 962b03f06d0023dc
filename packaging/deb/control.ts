import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DebPackage, type PackageFile, source } from './contents.ts';

/** dpkg's own files about the package, below `DEBIAN/`. */
export async function controlFiles(
  { control: template, scripts: names }: DebPackage,
  contents: readonly PackageFile[],
  fields: { readonly version: string; readonly architecture: string },
): Promise<PackageFile[]> {
  const bytes = contents.reduce((sum, { content }) => sum + content.length, 0);
  const control = (await source(template))
    .replace('@VERSION@', fields.version)
    .replace('@ARCHITECTURE@', fields.architecture)
    .replace('@INSTALLED_SIZE@', String(Math.ceil(bytes / 1024)));
  const scripts = names.map(async (name) => ({
    path: `DEBIAN/${name}`,
    mode: 0o755 as const,
    content: await readFile(join(import.meta.dirname, name)),
  }));
  return [
    { path: 'DEBIAN/control', mode: 0o644, content: control },
    { path: 'DEBIAN/md5sums', mode: 0o644, content: md5sums(contents) },
    ...(await Promise.all(scripts)),
  ];
}

/** For `dpkg --verify`: finds accidents, and is no protection from anybody. */
function md5sums(contents: readonly PackageFile[]): string {
  const lines = contents.map(
    ({ path, content }) => `${createHash('md5').update(content).digest('hex')}  ${path}\n`,
  );
  return lines.sort().join('');
}

/**
 * When the newest version in the Debian changelog was made, seconds since 1970: the time of every
 * file in the package. The changelog must begin with the version that is being packed.
 */
export function changelogTime(changelog: string, version: string): number {
  const newest = /^\S+ \(([^)]+)\)[\s\S]*?^ -- .*> {2}(.+)$/m.exec(changelog);
  const at = Date.parse(newest?.[2] ?? '');
  if (newest?.[1] !== version || Number.isNaN(at)) {
    throw new Error(
      `packaging/deb/changelog begins with ${newest?.[1] ?? 'no version'}, package.json says ${version}`,
    );
  }
  return at / 1000;
}
