import {
  chmodSync,
  closeSync,
  fchmodSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { ReadEntry } from 'tar/read-entry';
import { type SafeEntry, unsafe } from '../../../bucket/archive/unpack-rules.ts';

/**
 * Writes entries below a new tree that only this process uses. The writes are synchronous: for
 * thousands of small files, promises would cost several times the writing itself. Between the
 * chunks of the archive the event loop runs. Modes are independent of the umask. No call overwrites
 * a file: it fails when the name exists. Links are made last, by {@link makeLinks}: while files and
 * directories are written there is no link that a write could go through, whatever the archive says
 * and whatever names the file system takes for equal.
 */
export class TreeWriter {
  readonly #tree: string;
  readonly #directories = new Set(['.']);
  readonly #links: { readonly path: string; readonly target: string; readonly entry: ReadEntry }[] =
    [];
  /** Descriptor of the file that is being written. Closed also when the archive ends too early. */
  #open: number | undefined;

  constructor(tree: string) {
    this.#tree = tree;
  }

  /** Throws ARCHIVE_UNSAFE when the file system refuses the name. */
  write(safe: SafeEntry, entry: ReadEntry): void {
    try {
      this.#makeDirectory(safe.kind === 'directory' ? safe.path : dirname(safe.path));
      if (safe.kind === 'file') {
        this.#writeFile(join(this.#tree, safe.path), safe.isExecutable ? 0o755 : 0o644, entry);
        return;
      }
      if (safe.kind === 'link') {
        this.#links.push({ path: join(this.#tree, safe.path), target: safe.target, entry });
      }
      entry.resume();
    } catch (error) {
      throw refusedName(error, entry);
    }
  }

  /** Throws ARCHIVE_UNSAFE. Nothing may be written after it. */
  makeLinks(): void {
    for (const { path, target, entry } of this.#links) {
      try {
        symlinkSync(target, path);
      } catch (error) {
        throw refusedName(error, entry);
      }
    }
  }

  [Symbol.dispose](): void {
    if (this.#open !== undefined) closeSync(this.#open);
    this.#open = undefined;
  }

  #makeDirectory(path: string): void {
    if (this.#directories.has(path)) return;
    this.#makeDirectory(dirname(path));
    mkdirSync(join(this.#tree, path));
    chmodSync(join(this.#tree, path), 0o755);
    this.#directories.add(path);
  }

  #writeFile(path: string, mode: number, entry: ReadEntry): void {
    const file = openSync(path, 'wx', mode);
    this.#open = file;
    fchmodSync(file, mode);
    entry.on('end', () => this[Symbol.dispose]());
    entry.on('data', (chunk) => {
      for (let at = 0; at < chunk.length; ) at += writeSync(file, chunk, at);
    });
  }
}

/** The whole path is too long, the name cannot be encoded, or it equals another one after all. */
function refusedName(error: unknown, entry: ReadEntry): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const isAboutName = code === 'ENAMETOOLONG' || code === 'EILSEQ' || code === 'EEXIST';
  return isAboutName ? unsafe(entry, `is refused by the file system (${code})`) : error;
}
