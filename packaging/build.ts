import { mkdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Plugin } from 'esbuild';
import { writeFileAtomicSync } from '../shared/atomic-file.ts';
import { bundleProgram } from './bundle.ts';
import { licenseTexts } from './licenses.ts';

export const ROOT = join(import.meta.dirname, '..');

/** The programs that are shipped, with their entry files. */
export const PROGRAMS = { 'mm-agent': 'agent/main.ts', mm: 'operator/main.ts' };

export interface BuildRequest {
  /** Entry files by program. */
  readonly programs: Readonly<Record<string, string>>;
  readonly outputDirectory: string;
}

export interface Bundle {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Bundles each program with all of its packages into `<program>.mjs` and its parts (see
 * {@link bundleProgram}), and writes the licences of the packages beside them. The same sources and
 * lockfile always give the same bytes.
 */
export async function build({ programs, outputDirectory }: BuildRequest): Promise<Bundle[]> {
  const plugins = [onlyVersion(await version())];
  const bundles: Bundle[] = [];
  const inputs: string[] = [];
  await mkdir(outputDirectory, { recursive: true });
  for (const [program, entry] of Object.entries(programs)) {
    const parts = await bundleProgram({ root: ROOT, program, entry, plugins });
    // By rename, because tests or the demo may be running the old files. The part that loads the
    // others comes last.
    for (const { name, contents, ...part } of parts.toReversed()) {
      inputs.push(...part.inputs);
      const path = join(outputDirectory, name);
      writeFileAtomicSync(path, contents, { mode: 0o755 });
      bundles.push({ path, bytes: contents.length });
    }
  }
  writeFileAtomicSync(join(outputDirectory, 'LICENSES.txt'), await licenseTexts(ROOT, inputs));
  return bundles;
}

/** The programs import package.json for their version; nothing else of it is shipped. */
function onlyVersion(version: string): Plugin {
  return {
    name: 'only-version',
    setup: (build) =>
      build.onLoad({ filter: /package\.json$/ }, ({ path }) =>
        path === join(ROOT, 'package.json')
          ? { contents: JSON.stringify({ version }), loader: 'json' }
          : undefined,
      ),
  };
}

export async function version(): Promise<string> {
  const text = await readFile(join(ROOT, 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

if (import.meta.main) {
  const bundles = await build({ programs: PROGRAMS, outputDirectory: join(ROOT, 'dist') });
  for (const { path, bytes } of bundles) {
    console.log(`${relative(ROOT, path)}  ${Math.ceil(bytes / 1000)} kB`);
  }
}
