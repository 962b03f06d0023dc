import { createHash } from 'node:crypto';
import { type PackageFile, source } from '../contents/files.ts';
import { type LinuxPackage, withEndCycle } from '../linux/linux-package.ts';

/** dpkg's own files about the package, below `DEBIAN/`. */
export async function controlFiles(
  { deb: { control: template, scripts: names } }: LinuxPackage,
  contents: readonly PackageFile[],
  fields: { readonly version: string; readonly architecture: string },
): Promise<PackageFile[]> {
  const bytes = contents.reduce((sum, { content }) => sum + content.length, 0);
  const control = (await source(`packaging/deb/${template}`))
    .replace('@VERSION@', fields.version)
    .replace('@ARCHITECTURE@', fields.architecture)
    .replace('@INSTALLED_SIZE@', String(Math.ceil(bytes / 1024)));
  const scripts = names.map(async (name) => ({
    path: `DEBIAN/${name}`,
    mode: 0o755 as const,
    content: await withEndCycle(await source(`packaging/deb/${name}`)),
  }));
  return [
    { path: 'DEBIAN/control', mode: 0o644, content: control },
    { path: 'DEBIAN/md5sums', mode: 0o644, content: md5sums(contents) },
    ...(await Promise.all(scripts)),
  ];
}

/** For `dpkg --verify`: detects accidents, not attacks. */
function md5sums(contents: readonly PackageFile[]): string {
  const lines = contents.map(
    ({ path, content }) => `${createHash('md5').update(content).digest('hex')}  ${path}\n`,
  );
  return lines.sort().join('');
}
