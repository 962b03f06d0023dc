import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { programStamp } from './stamp.ts';
import { VERSION } from './version.ts';

/** What V8 made of the parts of this program, a file each, below a directory that only root may write. */
export interface CompileCache {
  /** Undefined when there is nothing for these very bytes of the source, or not all of it. */
  read(name: string, source: Uint8Array): Buffer | undefined;
  /** Never throws: without it all is well, too. */
  keep(name: string, source: Uint8Array, compiled: () => Uint8Array): void;
}

/**
 * The compile cache below the state directory. It holds code that root will run, so a directory that others own or may
 * write makes room for one of our own. Undefined where there can be none; never throws.
 */
export function openCompileCache(stateDirectory: string): CompileCache | undefined {
  const all = join(stateDirectory, 'compile-cache');
  const own = join(all, VERSION);
  try {
    if (programStamp() === undefined) return undefined;
    if (!existsSync(stateDirectory)) return undefined; // nothing is made before the configuration was found
    if (!(isOwn(all) && isOwn(own))) {
      rmSync(all, { recursive: true, force: true }); // those of other versions
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
    const kept = readFileSync(path);
    const compiled = kept.subarray(DIGEST_BYTES);
    return digestOf(source, compiled).equals(kept.subarray(0, DIGEST_BYTES)) ? compiled : undefined;
  } catch {
    return undefined;
  }
}

/** Neither synced, nor under a lock, nor missed where it cannot be written: the digest tells what is whole. */
function keep(path: string, source: Uint8Array, compiled: () => Uint8Array): void {
  const temporary = `${path}.tmp`;
  try {
    const bytes = compiled();
    const content = Buffer.concat([digestOf(source, bytes), bytes]);
    writeFileSync(temporary, content, { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    removeIfPossible(temporary);
  }
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch {}
}

const DIGEST_BYTES = 32;

/** V8 itself only looks at the length of the source, and takes what is damaged for what it says. */
function digestOf(source: Uint8Array, compiled: Uint8Array): Buffer {
  // Loaded here: `--version` does without it.
  const { createHash } = process.getBuiltinModule('node:crypto');
  const hash = createHash('sha256').update(`${source.length} `);
  return hash.update(source).update(compiled).digest();
}
