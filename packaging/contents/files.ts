import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { PROGRAMS, ROOT } from '../build.ts';

export interface PackageFile {
  /** Where it goes, without the leading slash. */
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly content: string | Uint8Array;
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

/** The licences of all that is in the package: ours, Node's, and those of the bundled packages. */
export async function licences(
  { libexec }: { readonly libexec: string },
  {
    bundleDirectory,
    runtime,
  }: { readonly bundleDirectory: string; readonly runtime: { readonly license: string } },
): Promise<string> {
  const own = (await source('packaging/contents/copyright')).replaceAll('@LIBEXEC@', libexec);
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
