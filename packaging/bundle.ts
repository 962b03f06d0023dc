import { basename, join } from 'node:path';
import * as esbuild from 'esbuild';
import { nodeModules } from './bundle-node-modules.ts';

export interface Part {
  /** `mm-agent.mjs`, `mm-agent-once.mjs`. */
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
 * Bundles a program with all of its packages: into one file, and one more for each of our own modules that is imported by
 * `import()`. Each file is whole by itself, so that only what a command needs is read and no file is split into dozens;
 * what two of them need is in both, and an object is never of the other one's class.
 */
export async function bundleProgram(request: BundleRequest): Promise<readonly Part[]> {
  const { root, program, entry, plugins } = request;
  const parts: Part[] = [];
  const entries = new Map([[join(root, entry), `${program}.mjs`]]);
  for (const [path, name] of entries) {
    const late = lateParts((imported) => {
      const part = `${program}-${basename(imported, '.ts')}.mjs`;
      entries.set(imported, part); // and so comes up in this loop
      return part;
    });
    const { metafile, outputFiles } = await esbuild.build({
      ...OPTIONS,
      absWorkingDir: root,
      entryPoints: [path],
      outfile: name,
      plugins: [...plugins, nodeModules, late],
    });
    const inputs = Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs));
    for (const { contents } of outputFiles) parts.push({ name, contents, inputs });
  }
  return parts;
}

const OPTIONS = {
  bundle: true,
  platform: 'node',
  format: 'esm',
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

/** Leaves `import()` of our own modules to run time; `partOf` says what they are called then. */
function lateParts(partOf: (path: string) => string): esbuild.Plugin {
  return {
    name: 'late-parts',
    setup: (build) =>
      build.onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ kind, path, resolveDir }) =>
        kind === 'dynamic-import'
          ? { path: `./${partOf(join(resolveDir, path))}`, external: true }
          : undefined,
      ),
  };
}
