import { existsSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFileSync } from '../../shared/atomic-file.ts';
import { orUndefined } from '../../shared/files.ts';
import { MAX_OWN_BYTES, readForeignFile } from '../../shared/foreign-file.ts';
import { programStamp } from './stamp.ts';
import { VERSION } from './version.ts';

/**
 * Compiled code of this program, one file for each chunk, in a directory that only root can write.
 */
export interface CompileCache {
  /** Returns undefined when nothing complete is stored for exactly this source. */
  read(name: string, source: Uint8Array): Buffer | undefined;
  /** Does not throw: the program also works without a cache. */
  keep(name: string, source: Uint8Array, compiled: () => Uint8Array): void;
}

/**
 * Opens the compile cache below the state directory. It contains code that root will run, so a
 * directory that others own or can write is replaced. Returns undefined when there can be no cache.
 * Does not throw.
 */
export function openCompileCache(stateDirectory: string): CompileCache | undefined {
  const all = join(stateDirectory, 'compile-cache');
  const own = join(all, VERSION);
  try {
    if (programStamp() === undefined) return undefined;
    // No file is created on a host before it has a configuration.
    if (!existsSync(stateDirectory)) return undefined;
    if (!(isOwn(all) && isOwn(own))) {
      rmSync(all, { recursive: true, force: true }); // also removes the caches of other versions
      mkdirSync(own, { recursive: true, mode: 0o700 });
    }
  } catch {
    return undefined;
  }
  return {
    read: (name, source) => readKept(join(own, name), source),
    keep: (name, source, compiled) => keep(join(own, name), source, compiled),
  };
}

function isOwn(directory: string): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return false;
  return found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0;
}

function readKept(path: string, source: Uint8Array): Buffer | undefined {
  try {
    const file = readForeignFile(path, MAX_OWN_BYTES);
    if (file.kind !== 'read') return undefined;
    const kept = file.bytes;
    const compiled = kept.subarray(DIGEST_BYTES);
    return digestOf(source, compiled).equals(kept.subarray(0, DIGEST_BYTES)) ? compiled : undefined;
  } catch {
    return undefined;
  }
}

/** Not synced and without a lock: the digest detects an incomplete file. */
function keep(path: string, source: Uint8Array, compiled: () => Uint8Array): void {
  orUndefined(() => {
    const bytes = compiled();
    const content = Buffer.concat([digestOf(source, bytes), bytes]);
    replaceFileSync(path, content, { mode: 0o600 });
  });
}

const DIGEST_BYTES = 32;

/** V8 itself compares only the length of the source, and it executes damaged code. */
function digestOf(source: Uint8Array, compiled: Uint8Array): Buffer {
  // Loaded on demand: it would make `--version` 50 % slower.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256').update(`${source.length} `);
  return hash.update(source).update(compiled).digest();
}
