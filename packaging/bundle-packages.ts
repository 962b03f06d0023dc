import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/**
 * What packages bring along for uses that are not ours, left out of the programs: a host would load it in each cycle, and
 * loading is most of what a cycle costs. See docs/adr/0018.
 */
export const leanPackages: Plugin = {
  name: 'lean-packages',
  setup(build) {
    build.onResolve({ filter: /^[a-z]/ }, ({ path, importer }) => {
      const standIn = STAND_INS.get(path);
      if (standIn === undefined) return undefined;
      const isKnown = importer.includes(`/node_modules/${standIn.wantedBy}/`);
      return isKnown ? { path, namespace: STAND_IN } : { errors: [{ text: unknownUse(path) }] };
    });
    build.onLoad({ filter: /./, namespace: STAND_IN }, ({ path }) => ({
      contents: STAND_INS.get(path)?.contents ?? '',
    }));
    build.onLoad({ filter: /@smithy\/core\/dist-es\/submodules\/\w+\/index\.js$/ }, pureBinding);
  },
};

const STAND_IN = 'stand-in';

interface StandIn {
  /** The package whose use of it was looked at. */
  readonly wantedBy: string;
  /** CommonJS. */
  readonly contents: string;
}

const STAND_INS: ReadonlyMap<string, StandIn> = new Map([
  // It is `fs` that waits when too many files are open. A lock opens none.
  ['graceful-fs', { wantedBy: 'proper-lockfile', contents: "module.exports=require('fs')" }],
  // It knows the end by a signal as well. One that our programs do not handle leaves the lock, as SIGKILL does.
  [
    'signal-exit',
    { wantedBy: 'proper-lockfile', contents: "module.exports=(then)=>process.on('exit',then)" },
  ],
  // For DEBUG=tuf:*. It opens process.stderr to see whether that has colours.
  ['debug', { wantedBy: 'tuf-js', contents: 'module.exports=()=>()=>{}' }],
]);

function unknownUse(path: string): string {
  return `look whether its stand-in in packaging/bundle-packages.ts does for this use of ${path}`;
}

/**
 * What smithy binds as it loads, among it UUIDs, which load Web Crypto: a binding only makes a function or a class, and is
 * left out where nobody asks for it.
 */
async function pureBinding({ path }: { path: string }): Promise<{ contents: string }> {
  const source = await readFile(path, 'utf8');
  return { contents: source.replaceAll(/(?<= = | extends )bind\w+\(/g, '/*@__PURE__*/$&') };
}
