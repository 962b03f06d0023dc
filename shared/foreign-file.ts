import { constants } from 'node:fs';
import { fileProblem } from './file-problem.ts';
import { isFileError, readRegular, withOpenFile } from './files.ts';

/** The content of a path that another user or program controls, or that was damaged. */
export type ForeignFile =
  | { readonly kind: 'missing' }
  | { readonly kind: 'read'; readonly bytes: Buffer }
  /**
   * A link, a FIFO, a device, a directory, a file that is too large or that this user cannot read.
   */
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Without O_NONBLOCK, opening a FIFO waits for a writer forever. With O_NOFOLLOW, a link cannot
 * make root read a file of another user, or an endless device.
 */
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Reads a regular file of at most `maxBytes` bytes. Never throws and never blocks. */
export function readForeignFile(path: string, maxBytes: number): ForeignFile {
  try {
    const bytes = withOpenFile(path, FLAGS, undefined, (fd) => readRegular(fd, maxBytes));
    return { kind: 'read', bytes };
  } catch (error) {
    if (isFileError(error, 'ENOENT') || isFileError(error, 'ENOTDIR')) return { kind: 'missing' };
    if (isFileError(error, 'ELOOP')) return refused('it is a link');
    const isOfSystem = error instanceof Error && 'code' in error;
    return refused(isOfSystem ? fileProblem(path, error).why : (error as Error).message);
  }
}

/** Returns the text of such a file, or undefined when it is refused. */
export function foreignText(path: string, maxBytes: number): string | undefined {
  const file = readForeignFile(path, maxBytes);
  return file.kind === 'read' ? file.bytes.toString() : undefined;
}

/** The limit for files that a program writes for itself, far above their real size. */
export const MAX_OWN_BYTES = 64 * 1024 ** 2;

/**
 * Returns the text of a file that this program wrote for itself. Undefined when it is missing, or
 * when something else is in its place, which must neither block the program nor fill its memory.
 */
export function ownText(path: string): string | undefined {
  return foreignText(path, MAX_OWN_BYTES);
}

function refused(why: string): ForeignFile {
  return { kind: 'refused', why };
}
