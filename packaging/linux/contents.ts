import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Architecture } from '../architectures.ts';
import { PROGRAMS, ROOT } from '../build.ts';
import type { Runtime } from '../runtime.ts';

export interface PackageFile {
  /** Where it goes, without the leading slash. */
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly content: string | Uint8Array;
}

/** Debian and the RedHat family look for a few files in other folders. */
export type Format = 'deb' | 'rpm';

/** What is packed: one program with its own Node. */
export interface LinuxPackage {
  readonly name: string;
  /** Its name in `PROGRAMS`. */
  readonly program: string;
  /** Where Node and the program go. Two packages on one machine must not share it. */
  readonly libexec: string;
  /** Empty directories in the package. */
  readonly directories: readonly string[];
  readonly manual: {
    readonly section: number;
    readonly page: (release: { readonly version: string; readonly date: string }) => string;
  };
  /** Files that only this package has. */
  readonly others: (format: Format) => Promise<readonly PackageFile[]>;
  /** What is in `packaging/deb`: the template of dpkg's control file, and more. */
  readonly deb: {
    readonly control: string;
    /** Maintainer scripts. */
    readonly scripts: readonly string[];
    /** For lintian. */
    readonly overrides: readonly string[];
  };
  /** In `packaging/rpm`: tags and scriptlets. */
  readonly rpm: { readonly spec: string };
}

export interface Release {
  readonly version: string;
  /** `2026-11-23`. */
  readonly date: string;
  /** The time of every file in the packages, seconds since 1970. */
  readonly time: number;
  /** In Debian's format, newest version first. */
  readonly changelog: string;
}

/** What all packages of one build are made from. */
export interface Parts {
  /** Holds what `build` wrote. */
  readonly bundleDirectory: string;
  readonly architecture: Architecture;
  readonly runtime: Runtime;
  readonly release: Release;
}

/** Every file that the package installs in each format, but its licences. */
export async function packageContents(
  { program, libexec, manual, others }: LinuxPackage,
  format: Format,
  { bundleDirectory, runtime, release }: Parts,
): Promise<PackageFile[]> {
  const { section, page } = manual;
  return [
    executable(`${libexec}/node`, runtime.program),
    ...(await programParts(bundleDirectory, program, libexec)),
    executable(`usr/bin/${program}`, await source(`packaging/linux/${program}`)),
    file(`usr/share/man/man${section}/${program}.${section}.gz`, gzip(page(release))),
    ...(await others(format)),
  ];
}

/** The licences of all that is in the package: ours, Node's, and those of the bundled packages. */
export async function licences(
  { libexec }: Pick<LinuxPackage, 'libexec'>,
  { bundleDirectory, runtime }: Pick<Parts, 'bundleDirectory' | 'runtime'>,
): Promise<string> {
  const own = (await source('packaging/linux/copyright')).replaceAll('@LIBEXEC@', libexec);
  const bundled = await readFile(join(bundleDirectory, 'LICENSES.txt'), 'utf8');
  return [own, runtime.license, bundled].join('\n');
}

/** The program and its parts, below `libexec`. */
export async function programParts(
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

export function executable(path: string, content: PackageFile['content']): PackageFile {
  return { path, mode: 0o755, content };
}

/** A file of the checkout. */
export function source(path: string): Promise<string> {
  return readFile(join(ROOT, path), 'utf8');
}

export function gzip(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}
