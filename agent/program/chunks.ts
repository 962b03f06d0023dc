import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Script } from 'node:vm';
import { type CompileCache, openCompileCache } from './compile-cache.ts';

/** A chunk is a file with one function in parentheses; packaging/bundle.ts writes it. */
type Chunk = (
  module: { exports: unknown },
  url: string,
  load: typeof importChunk,
  require: NodeJS.Require,
) => void;

interface Compiled {
  readonly name: string;
  readonly source: Buffer;
  readonly script: Script;
}

let cache: CompileCache | undefined;
/** Chunks that the cache did not have. */
const missed: Compiled[] = [];
/** Exports by name: a chunk runs once, no matter how often it is imported. */
const chunks = new Map<string, unknown>();

/**
 * In the built program, this replaces `import()` of our own modules: runs the chunk, a file beside
 * the first file of the program, and returns its exports. Chunks save 2.5 % of a cycle's CPU, and
 * their compiled code 1.2 % (ADR 0009, 0015, 0022). A chunk is a script and not an ES module,
 * because V8 exports the compiled code of scripts only.
 */
export function importChunk(name: string): unknown {
  if (!chunks.has(name)) chunks.set(name, runChunk(name));
  return chunks.get(name);
}

function runChunk(name: string): unknown {
  const { Script } = process.getBuiltinModule('node:vm');
  const filename = join(import.meta.dirname, name);
  const source = readFileSync(filename);
  const cachedData = cache?.read(name, source);
  const script = new Script(source.toString(), {
    filename,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const isHit = cachedData !== undefined && script.cachedDataRejected !== true;
  if (cache !== undefined && !isHit) missed.push({ name, source, script });
  const module: { exports: unknown } = { exports: {} };
  (script.runInThisContext() as Chunk)(
    module,
    pathToFileURL(filename).href,
    importChunk,
    createRequire(filename),
  );
  return module.exports;
}

/** From now on, chunks use the code that was compiled before. */
export function useCompileCache(stateDirectory: string): void {
  cache = openCompileCache(stateDirectory);
}

/**
 * Stores the compiled code of chunks that the cache did not have: all functions that have run so
 * far. A function is compiled when it is first called, which is most of the cost of a start. Call
 * it at the end of a process whose next start must be fast.
 */
export function keepCompiled(): void {
  for (const { name, source, script } of missed.splice(0)) {
    cache?.keep(name, source, () => script.createCachedData());
  }
}
