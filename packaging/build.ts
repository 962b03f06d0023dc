import { mkdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import * as esbuild from 'esbuild';
import { writeFileAtomic } from '../bucket/atomic-file.ts';
import { licenseTexts } from './licenses.ts';

export const ROOT = join(import.meta.dirname, '..');

/** What is shipped: one file per program. */
export const PROGRAMS = { 'mm-agent': 'agent/main.ts', mm: 'operator/main.ts' };

export interface BuildRequest {
  /** Program to entry file. */
  readonly programs: Readonly<Record<string, string>>;
  readonly outputDirectory: string;
}

export interface Bundle {
  readonly path: string;
  readonly bytes: number;
}

/**
 * Bundles each program with all of its packages into `<program>.mjs`, and writes the packages' licences beside them.
 * Every build gives the same bytes for the same sources and lockfile.
 */
export async function build({ programs, outputDirectory }: BuildRequest): Promise<Bundle[]> {
  const { metafile, outputFiles } = await esbuild.build({
    absWorkingDir: ROOT,
    entryPoints: Object.entries(programs).map(([out, input]) => ({ in: input, out })),
    outdir: outputDirectory,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Names stay as they are: full minifying starts no faster, and a host's stack trace could not be read.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120, // Node prints the whole line where an error was thrown
    // Packages that are CommonJS ask for Node's own modules by require.
    banner: {
      js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
    },
    plugins: [onlyVersion(await version())],
    legalComments: 'none', // their whole texts are in LICENSES.txt
    metafile: true,
    write: false, // but written by rename: tests and demo may be running what lies there
  });
  await mkdir(outputDirectory, { recursive: true });
  for (const { path, contents } of outputFiles) {
    await writeFileAtomic(path, contents, { mode: 0o755 });
  }
  const texts = await licenseTexts(Object.keys(metafile.inputs));
  await writeFileAtomic(join(outputDirectory, 'LICENSES.txt'), texts);
  return outputFiles.map(({ path, contents }) => ({ path, bytes: contents.length }));
}

/** The programs import package.json for their version; the rest of it is nothing to ship. */
function onlyVersion(version: string): esbuild.Plugin {
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
