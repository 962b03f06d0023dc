import { writeFile } from 'node:fs/promises';
import { flatPackage, type MacArchitecture } from '../../operator/packages/flat/flat-package.ts';
import {
  executable,
  file,
  licences,
  type PackageFile,
  programParts,
  type Release,
  source,
} from '../contents/files.ts';
import type { PackagePlan } from '../contents/plan.ts';
import type { MacRuntime } from './runtime.ts';

/** What is packed for Macs: one program with its own Node. */
export interface MacPackage {
  readonly name: string;
  readonly title: string;
  readonly identifier: string;
  /** Its name in `PROGRAMS`. */
  readonly program: string;
  /** All of the package is in it, except for what the system looks for elsewhere. */
  readonly folder: string;
  /** Empty directories in the package. */
  readonly directories: readonly string[];
  readonly manual: {
    readonly section: number;
    readonly page: (release: { readonly version: string; readonly date: string }) => string;
  };
  /** Files that only this package has. */
  readonly others: () => Promise<readonly PackageFile[]>;
  /** A script of the checkout: its end, after a removal of parts of an older program. */
  readonly postinstall?: string;
}

export interface MacParts {
  /** Holds what `build` wrote. */
  readonly bundleDirectory: string;
  readonly architecture: MacArchitecture;
  readonly runtime: MacRuntime;
  readonly release: Release;
}

/** The same sources, lockfile and Node give the same bytes. Needs no program of Apple. */
export async function planPkg(mac: MacPackage, parts: MacParts): Promise<PackagePlan> {
  const { name, identifier, title, directories } = mac;
  const { architecture, release, runtime } = parts;
  const files = await macContents(mac, parts);
  const settings = {
    identifier,
    title,
    architecture,
    version: release.version,
    minimumSystem: runtime.minimumSystem,
    scripts: { postinstall: await postinstall(mac, files) },
    time: release.time,
  };
  return {
    fileName: `${name}-${release.version}-${architecture}.pkg`,
    files,
    settings: { ...settings, directories, zlib: process.versions.zlib },
    async write(path) {
      const items = [
        ...directories.map((directory) => ({ path: directory, mode: 0o755 })),
        ...files.map((each) => ({ ...each, content: Buffer.from(each.content) })),
      ];
      await writeFile(path, flatPackage({ ...settings, items }));
    },
  };
}

/** Every file that the package installs. */
async function macContents(mac: MacPackage, parts: MacParts): Promise<PackageFile[]> {
  const { program, folder, manual, others } = mac;
  const { bundleDirectory, runtime, release } = parts;
  const launcher = await source(`packaging/contents/${program}`);
  return [
    executable(`${folder}/node`, runtime.program),
    ...(await programParts(bundleDirectory, program, folder)),
    executable(`${folder}/bin/${program}`, launcher.replaceAll('/usr/libexec/', '/usr/local/')),
    // Beside a folder of the search path: there man(1) finds it.
    file(
      `${folder}/share/man/man${manual.section}/${program}.${manual.section}`,
      manual.page(release),
    ),
    file(`${folder}/LICENSE`, await licences({ libexec: folder }, parts)),
    // What is in this file comes to the search path of each login. /usr/local/bin may belong to
    // Homebrew, and a package must not change that.
    file(`private/etc/paths.d/${folder.slice(folder.lastIndexOf('/') + 1)}`, `/${folder}/bin\n`),
    ...(await others()),
  ];
}

/** The installer leaves what only an older package had. */
async function postinstall(
  { program, folder, postinstall: script }: MacPackage,
  files: readonly PackageFile[],
): Promise<string> {
  const parts = files.map(({ path }) => `/${path}`).filter((path) => /-[^/]*\.js$/.test(path));
  const own = script === undefined ? '' : await source(script);
  return `set -eu
for part in "$3"/${folder}/${program}-*.js; do
  case /\${part#"$3"/} in
  ${parts.join(' | ')}) ;;
  *) rm -f "$part" ;;
  esac
done
${own.replace(/^#!.*\n/, '')}`;
}
