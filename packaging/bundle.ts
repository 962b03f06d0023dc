import { basename, join } from 'node:path';
import * as esbuild from 'esbuild';
import { bundledPage } from './bundle-page.ts';
import { rubyTexts } from './bundle-ruby.ts';

export interface Part {
  /** `mm-agent.mjs`, `mm-agent-once.js`. */
  readonly name: string;
  readonly contents: Uint8Array;
  /** Paths of all files that went into it, relative to the root. */
  readonly inputs: readonly string[];
}

export interface BundleRequest {
  readonly root: string;
  /** The name of the program and of its first part. */
  readonly program: string;
  /** Entry file, relative to the root. */
  readonly entry: string;
  readonly plugins: readonly esbuild.Plugin[];
}

/**
 * Bundles a program with all of its packages: into one ES module, and one script for each of our
 * own modules that is imported by `import()`. At run time agent/program/chunks.ts loads the
 * scripts. Each file is complete, so that a command reads only what it needs. Code that two files
 * need is in both, so an object of one is never an instance of the other's class.
 */
export async function bundleProgram(request: BundleRequest): Promise<readonly Part[]> {
  const { root, program, entry, plugins } = request;
  const parts: Part[] = [];
  const entries = new Map([[join(root, entry), `${program}.mjs`]]);
  for (const [path, name] of entries) {
    const isFirst = parts.length === 0;
    const late = lateParts(root, isFirst ? LOADER : GIVEN_LOADER, (imported) => {
      const part = `${program}-${basename(imported, '.ts')}.js`;
      entries.set(imported, part); // this loop then reaches it
      return part;
    });
    const { metafile, outputFiles } = await esbuild.build({
      ...OPTIONS,
      ...(isFirst ? MODULE : SCRIPT),
      absWorkingDir: root,
      entryPoints: [path],
      outfile: name,
      plugins: [...plugins, rubyTexts, bundledPage, late],
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
  // ES modules of packages, because esbuild can leave out their unused parts.
  mainFields: ['module', 'main'],
  // Names stay unchanged, so that stack traces are readable; full minifying would not start faster.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120, // Node prints the whole line in which an error was thrown
  legalComments: 'none', // LICENSES.txt has their full texts
  metafile: true,
  write: false,
} as const satisfies esbuild.BuildOptions;

/** Packages in CommonJS call `require` for modules of Node; an ES module has no `require`. */
const MODULE = {
  format: 'esm',
  banner: {
    js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);",
  },
} as const;
const LOADER = "require('./agent/program/chunks.ts').importChunk";

/** One function. Its arguments replace the variables of an ES module. */
const SCRIPT = {
  format: 'cjs',
  banner: { js: '(function(module,chunkUrl,importChunk,require){' },
  footer: { js: '})' },
  supported: { 'dynamic-import': false }, // a script cannot import(): modules of Node are required
  define: { 'import.meta.url': 'chunkUrl' },
  logOverride: { 'empty-import-meta': 'error' }, // only `import.meta.url` exists
} as const;
const GIVEN_LOADER = 'importChunk';

/**
 * Replaces `import()` of our own modules by a call of `loader` at run time; `partOf` returns the
 * name of the part.
 */
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
