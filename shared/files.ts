import {
  accessSync,
  chmodSync,
  closeSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  type MakeDirectoryOptions,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  realpathSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  type StatsFs,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';

/**
 * What is used of `node:fs/promises`, with its names, answers and codes of errors, but each call done at once. A cycle
 * makes some 300 calls for small local files, one after the other, with nothing else to do meanwhile; by Node's thread
 * pool each of them costs 80 microseconds of CPU, which is ten times and more what the call itself does.
 */

export async function access(path: string, mode?: number): Promise<void> {
  accessSync(path, mode);
}

export async function chmod(path: string, mode: number): Promise<void> {
  chmodSync(path, mode);
}

export async function lstat(path: string): Promise<Stats> {
  return lstatSync(path);
}

export async function mkdir(path: string, options?: MakeDirectoryOptions): Promise<void> {
  mkdirSync(path, options);
}

export async function mkdtemp(prefix: string): Promise<string> {
  return mkdtempSync(prefix);
}

export async function readdir(
  path: string,
  { recursive = false }: { readonly recursive?: boolean } = {},
): Promise<string[]> {
  return readdirSync(path, { encoding: 'utf8', recursive });
}

export function readFile(path: string): Promise<Buffer>;
export function readFile(path: string, encoding: 'utf8' | 'latin1'): Promise<string>;
export async function readFile(
  path: string,
  encoding?: 'utf8' | 'latin1',
): Promise<Buffer | string> {
  return encoding === undefined ? readFileSync(path) : readFileSync(path, encoding);
}

export async function readlink(path: string): Promise<string> {
  return readlinkSync(path);
}

export async function realpath(path: string): Promise<string> {
  return realpathSync.native(path);
}

export async function rename(from: string, to: string): Promise<void> {
  renameSync(from, to);
}

/** As Node's `rmSync` does it: an error names `path`, not what below it could not be removed. */
export async function rm(
  path: string,
  options?: { readonly recursive?: boolean; readonly force?: boolean },
): Promise<void> {
  rmSync(path, options);
}

export async function rmdir(path: string): Promise<void> {
  rmdirSync(path);
}

export async function stat(path: string): Promise<Stats> {
  return statSync(path);
}

export async function statfs(path: string): Promise<StatsFs> {
  return statfsSync(path);
}

export async function symlink(target: string, path: string): Promise<void> {
  symlinkSync(target, path);
}

export async function writeFile(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode?: number } = {},
): Promise<void> {
  writeFileSync(path, content, options);
}

export async function open(path: string, flags: string, mode?: number): Promise<OpenFile> {
  return new OpenFile(openSync(path, flags, mode));
}

/** A file that is open: what is needed of Node's FileHandle, in a simpler shape. */
export class OpenFile implements AsyncDisposable {
  /** -1 once it is closed, for its number may be another file's by then. */
  #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** The number of bytes read, from where the last call ended. */
  async read(buffer: Uint8Array, offset: number, length: number): Promise<number> {
    return readSync(this.#fd, buffer, offset, length, null);
  }

  async readFile(encoding: 'utf8'): Promise<string> {
    return readFileSync(this.#fd, encoding);
  }

  async stat(): Promise<Stats> {
    return fstatSync(this.#fd);
  }

  async sync(): Promise<void> {
    fsyncSync(this.#fd);
  }

  /** All of it, after what was written before. */
  async write(content: string | Uint8Array): Promise<void> {
    writeFileSync(this.#fd, content);
  }

  async close(): Promise<void> {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd !== -1) closeSync(fd);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
