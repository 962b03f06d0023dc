import { dirname } from 'node:path';
import { type PackageFile, type Release, source } from '../contents/files.ts';
import { type LinuxPackage, withEndCycle } from '../linux/linux-package.ts';

/**
 * The spec file of a package whose files are already below `%{staging}`, as they are installed.
 * rpmbuild must neither strip the foreign Node nor look for what the files need.
 */
export async function specFile(
  { rpm, directories }: LinuxPackage,
  files: readonly PackageFile[],
  release: Release,
): Promise<string> {
  const template = await withEndCycle(await source(`packaging/rpm/${rpm.spec}`));
  return [
    '%global debug_package %{nil}',
    '%global __os_install_post %{nil}',
    'AutoReqProv: no',
    template.replace('@VERSION@', release.version),
    '%install',
    'cp -a %{staging}/. %{buildroot}/',
    '',
    '%files',
    '%defattr(-,root,root,-)',
    ...[...directories, ...ownFolders(files)].sort().map((path) => `%dir "/${path}"`),
    ...files.map(({ path }) => `${kind(path)}"/${path}"`).sort(),
    '',
    '%changelog',
    rpmChangelog(release.changelog),
  ].join('\n');
}

/** Folders that no other package has, so that an erasure removes them. */
function ownFolders(files: readonly PackageFile[]): string[] {
  const folders = files.map(({ path }) => dirname(path));
  return [...new Set(folders)]
    .filter((path) => /\/miyamoto[^/]*(\/|$)/.test(path))
    .flatMap(parents);
}

/** `usr/share/doc/x/examples` comes with `usr/share/doc/x`. */
function parents(path: string): string[] {
  return path.endsWith('/examples') ? [dirname(path), path] : [path];
}

function kind(path: string): string {
  if (path.startsWith('usr/share/licenses/')) return '%license ';
  return /^usr\/share\/(doc|man)\//.test(path) ? '%doc ' : '';
}

/** Debian's changelog as rpm writes one. */
export function rpmChangelog(changelog: string): string {
  const entries = changelog.matchAll(
    /^\S+ \(([^)]+)\).*\n\n([\s\S]*?)\n -- (.*?) {2}(\w+), (\d+) (\w+) (\d+) .*$/gm,
  );
  return [...entries]
    .map(([, version, changes = '', author, weekday, day = '', month, year]) => {
      const lines = changes
        .trimEnd()
        .replaceAll(/^ {4}/gm, '  ')
        .replaceAll(/^ {2}\* /gm, '- ')
        .replaceAll('%', '%%');
      return `* ${weekday} ${month} ${day.padStart(2, '0')} ${year} ${author} - ${version}-1\n${lines}\n`;
    })
    .join('\n');
}
