import { basename, join } from 'node:path';
import * as esbuild from 'esbuild';
import { nodeModules } from './bundle-node-modules.ts';
import { leanPackages } from './bundle-packages.ts';
import { rubyTexts } from './bundle-ruby.ts';

export interface Part {
  /** `mm-agent.mjs`, `mm-agent-once.js`. */
  readonly name: string;
  readonly contents: Uint8Array;
  /** Paths of all that went into it, relative to the root. */
  readonly inputs: readonly string[];
}

export interface BundleRequest {
  readonly root: string;
  /** Its name, and that of its first part. */
  readonly program: string;
  /** Entry file, relative to the root. */
  readonly entry: string;
  readonly plugins: readonly esbuild.Plugin[];
}

/**
 * Bundles a program with all of its packages: into one ES module, and one script more for each of our own modules that is
 * imported by `import()`, which agent/program/chunks.ts then does. Each file is whole by itself, so that only what a command
 * needs is read and no file is split into dozens; what two of them need is in both, and an object is never of the other
 * one's class.
 */
export async function bundleProgram(request: BundleRequest): Promise<readonly Part[]> {
  const { root, program, entry, plugins } = request;
  const parts: Part[] = [];
  const entries = new Map([[join(root, entry), `${program}.mjs`]]);
  for (const [path, name] of entries) {
    const isFirst = parts.length === 0;
    const late = lateParts(root, isFirst ? LOADER : GIVEN_LOADER, (imported) => {
      const part = `${program}-${basename(imported, '.ts')}.js`;
      entries.set(imported, part); // and so comes up in this loop
      return part;
    });
    const { metafile, outputFiles } = await esbuild.build({
      ...OPTIONS,
      ...(isFirst ? MODULE : SCRIPT),
      absWorkingDir: root,
      entryPoints: [path],
      outfile: name,
      plugins: [...plugins, rubyTexts, leanPackages, nodeModules, late],
    });
    const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
    for (const { contents } of outputFiles) parts.push({ name, contents, inputs });
  }
  return parts;
}

const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  // Packages' ES modules: of those only what is used goes in.
  mainFields: ['module', 'main'],
  // Names stay as they are: full minifying starts no faster, and a host's stack trace could not be read.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120, // Node prints the whole line where an error was thrown
  legalComments: 'none', // their whole texts are in LICENSES.txt
  metafile: true,
  write: false,
} as const satisfies esbuild.BuildOptions;

const MODULE = { format: 'esm' } as const;
const LOADER = "require('./agent/program/chunks.ts').importChunk";

/** One function, which is given what the first file has. */
const SCRIPT = {
  format: 'cjs',
  banner: { js: '(function(module,chunkUrl,importChunk){' },
  footer: { js: '})' },
  define: { 'import.meta.url': 'chunkUrl' },
  logOverride: { 'empty-import-meta': 'error' }, // no other of its names
} as const;
const GIVEN_LOADER = 'importChunk';

/** Leaves `import()` of our own modules to `loader` and run time; `partOf` says what they are called then. */
function lateParts(
  resolveDir: string,
  loader: string,
  partOf: (path: string) => string,
): esbuild.Plugin {
  return {
    name: 'late-parts',
    setup(build) {
      build.onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ kind, path, resolveDir }) =>
        kind === 'dynamic-import'
          ? { path: partOf(join(resolveDir, path)), namespace: LATE }
          : undefined,
      );
      build.onLoad({ filter: /./, namespace: LATE }, ({ path }) => ({
        contents: `module.exports=${loader}(${JSON.stringify(path)})`,
        resolveDir,
      }));
    },
  };
}

const LATE = 'late-part';
