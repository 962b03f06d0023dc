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
 * Returns the content of a regular file that a person named, so that links are followed. Throws for
 * a device and for a FIFO, as {@link readStart} does, and for a file of more than `maxBytes` bytes.
 */
export function readNamed(path: string, maxBytes: number): Buffer {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK;
  return withOpenFile(path, flags, undefined, (fd) => readRegular(fd, maxBytes));
}

/** The same, of a file that is open. */
export function readRegular(fd: number, maxBytes: number): Buffer {
  const stat = fstatSync(fd);
  if (!stat.isFile()) throw new Error('it is not a regular file');
  const tooLong = () => new Error(`it has more than ${maxBytes} bytes`);
  if (stat.size > maxBytes) throw tooLong();
  let bytes = Buffer.alloc(stat.size + 1);
  for (let length = 0; ; ) {
    const read = readSync(fd, bytes, length, bytes.length - length, null);
    if (read === 0) return bytes.subarray(0, length);
    length += read;
    if (length > maxBytes) throw tooLong();
    // Files of /proc have no size, and every file may grow while it is read.
    if (length === bytes.length) {
      bytes = Buffer.concat([bytes], Math.min(2 * length + 4096, maxBytes + 1));
    }
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
