import { closeSync, openSync, readSync } from 'node:fs';

/*
 * The agent calls `node:fs` synchronously. A cycle makes some 300 calls for small local files, one
 * after the other, and has nothing else to do meanwhile.
 */

/**
 * Returns what `call` returns, or undefined when it throws, for files that may be gone or hidden.
 */
export function orUndefined<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}

/** Returns what `call` returns, or undefined when the file that it asks for does not exist. */
export function ifPresent<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return undefined;
    throw error;
  }
}

export function isFileError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Opens a file, passes its descriptor to `use`, and closes it whatever happens. */
export function withOpenFile<T>(
  path: string,
  flags: string | number,
  mode: number | undefined,
  use: (fd: number) => T,
): T {
  const fd = openSync(path, flags, mode);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** Returns the first `maxBytes` bytes of a file. */
export function readStart(path: string, maxBytes: number): Buffer {
  return withOpenFile(path, 'r', undefined, (fd) => {
    const bytes = Buffer.alloc(maxBytes);
    return bytes.subarray(0, readSync(fd, bytes, 0, maxBytes, null));
  });
}
