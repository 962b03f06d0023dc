import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Script } from 'node:vm';
import { type CompileCache, openCompileCache } from './compile-cache.ts';

/** What a part's file is: one function in parentheses, see packaging/bundle.ts. */
type Part = (module: { exports: unknown }, url: string, load: typeof importPart) => void;

interface Compiled {
  readonly name: string;
  readonly source: Buffer;
  readonly script: Script;
}

let cache: CompileCache | undefined;
/** What the cache, where there is one, did not have. */
const missed: Compiled[] = [];
/** By name, what they export: a part runs once, whoever asks for it. */
const parts = new Map<string, unknown>();

/**
 * What `import()` of one of our own modules is in the built program: runs its part, a file beside the program's first one,
 * and returns what it exports. A script, for only of scripts V8 gives away what it compiled while they ran.
 */
export function importPart(name: string): unknown {
  if (!parts.has(name)) parts.set(name, runPart(name));
  return parts.get(name);
}

function runPart(name: string): unknown {
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
  (script.runInThisContext() as Part)(module, pathToFileURL(filename).href, importPart);
  return module.exports;
}

/** From here on parts take what was compiled before. */
export function useCompileCache(stateDirectory: string): void {
  cache = openCompileCache(stateDirectory);
}

/**
 * Keeps what was compiled and is not in the cache, of each part all functions that have run so far: a function is compiled
 * when it is first called, and that is most of what a start costs. So it is for the end of what shall be fast next time.
 */
export function keepCompiled(): void {
  for (const { name, source, script } of missed.splice(0)) {
    cache?.keep(name, source, () => script.createCachedData());
  }
}
