import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/*
 * The agent calls `node:fs` synchronously. A cycle makes about 300 calls for small local files, one
 * after the other, and has no other work to do in parallel.
 */

/**
 * Returns what `call` returns, or undefined when it throws, for files that may be missing or
 * unreadable.
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

/** Whether an error of `node:fs` has this code, for example `ENOENT`. */
export function isFileError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** Opens a file, passes its descriptor to `use`, and always closes it. */
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

/**
 * Returns the first `maxBytes` bytes of a regular file. Throws for a device, and for a FIFO:
 * opening it would wait for a writer forever.
 */
export function readStart(path: string, maxBytes: number): Buffer {
  return withOpenFile(path, constants.O_RDONLY | constants.O_NONBLOCK, undefined, (fd) => {
    if (!fstatSync(fd).isFile()) throw new Error('it is not a regular file');
    const bytes = Buffer.alloc(maxBytes);
    return bytes.subarray(0, readSync(fd, bytes, 0, maxBytes, null));
  });
}
