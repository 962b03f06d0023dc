import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

/**
 * What packages bring along for uses that are not ours, left out of the programs: a host would load it in each cycle, and
 * loading is most of what a cycle costs.
 */
export const leanPackages: Plugin = {
  name: 'lean-packages',
  setup(build) {
    build.onResolve({ filter: /^[@a-z]/ }, ({ path, kind }) =>
      INSTEAD.has(path) && (path !== EVENT_STREAMS || kind === 'dynamic-import')
        ? { path, namespace: STAND_IN }
        : undefined,
    );
    build.onLoad({ filter: /./, namespace: STAND_IN }, ({ path }) => ({
      contents: INSTEAD.get(path) ?? '',
    }));
    build.onLoad({ filter: /@smithy\/core\/dist-es\/submodules\/\w+\/index\.js$/ }, pureBinding);
  },
};

const STAND_IN = 'stand-in';
const EVENT_STREAMS = '@smithy/core/event-streams';

/** A package to the CommonJS source that stands in for it. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  // Of proper-lockfile: Node's fs, which waits when too many files are open. Here are a few.
  ['graceful-fs', "module.exports=require('fs')"],
  // Of proper-lockfile, also for signals. Those that a program of ours does not end by itself leave a lock as SIGKILL does.
  ['signal-exit', "module.exports=(then)=>process.on('exit',then)"],
  // Of tuf-js, for DEBUG=tuf:*. It opens process.stderr to see whether that has colours.
  ['debug', 'module.exports=()=>()=>{}'],
  // Of the SDK's operations that answer with a stream of events. What is imported by `import()` stays whole, and this
  // reaches most of @smithy/core.
  [EVENT_STREAMS, "throw new Error('no operation in use answers with a stream of events')"],
]);

/** What smithy binds as it loads is for UUIDs, which load Web Crypto, and for blobs: left out where nobody asks for it. */
async function pureBinding({ path }: { path: string }): Promise<{ contents: string }> {
  const source = await readFile(path, 'utf8');
  return { contents: source.replaceAll(/(?<= = | extends )bind\w+\(/g, '/*@__PURE__*/$&') };
}
