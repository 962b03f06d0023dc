import { accessSync, constants, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError, type ErrorCode } from './coded-error.ts';
import { fileProblem } from './file-problem.ts';
import { isFileError } from './files.ts';
import { shellWord } from './shell-word.ts';

export type DiskCode = Extract<ErrorCode, 'DISK_FULL' | 'DISK_READ_ONLY'>;

/** Errors of a whole file system: no other file could be written there either. */
const CODES: ReadonlyMap<unknown, DiskCode> = new Map([
  ['ENOSPC', 'DISK_FULL'],
  ['EDQUOT', 'DISK_FULL'],
  ['EROFS', 'DISK_READ_ONLY'],
]);

/** Returns the code of an error that the disk caused; undefined when the disk is not the cause. */
export function diskCode(error: unknown): DiskCode | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const { code } = error;
  return code === 'DISK_FULL' || code === 'DISK_READ_ONLY' ? code : CODES.get(code);
}

/**
 * Returns DISK_FULL or DISK_READ_ONLY when the disk is the cause, otherwise the error itself.
 * `path` is what was to be written; without it the path of the error is named.
 */
export function asDiskError(error: unknown, path?: string): unknown {
  const code = diskCode(error);
  if (code === undefined || error instanceof CodedError) return error;
  const { code: found, path: named } = error as NodeJS.ErrnoException;
  const file = path ?? named ?? '/';
  const word = shellWord(dirname(file));
  const isFull = code === 'DISK_FULL';
  const why = isFull ? 'no space or no inode is left' : 'its file system is read-only';
  const next = isFull ? `df -h ${word}; df -i ${word}` : `findmnt -T ${word}; dmesg`;
  return new CodedError(`cannot write ${file}: ${why} (${found})`, { code, cause: error, next });
}

/**
 * Like {@link asDiskError}, and returns FILE_FAILED for every other error of the file system that
 * names a path, for example when a directory is in the place of a file.
 */
export function asFileError(thrown: unknown, path?: string): unknown {
  const error = asDiskError(thrown, path);
  if (error instanceof CodedError || !isFileSystemError(error)) return error;
  // For a rename, the error concerns the new name.
  const { why, next } = fileProblem(path ?? error.dest ?? error.path, error);
  return new CodedError(why, { code: 'FILE_FAILED', cause: error, next });
}

/** Errors of starting a program and of connecting to a socket name a path, too. */
function isFileSystemError(
  error: unknown,
): error is NodeJS.ErrnoException & { readonly path: string; readonly dest?: string } {
  if (!(error instanceof Error) || !('syscall' in error)) return false;
  const { syscall, path } = error as NodeJS.ErrnoException;
  return path !== undefined && !/^(spawn|connect)/.test(syscall ?? '');
}

/**
 * Returns DISK_READ_ONLY when a directory, or the nearest existing one above it, is on a read-only
 * file system. Undefined when it can be written.
 */
export function readOnlyError(directory: string): CodedError | undefined {
  try {
    accessSync(directory, constants.W_OK);
    return undefined;
  } catch (thrown) {
    if (isFileError(thrown, 'ENOENT') && directory !== dirname(directory))
      return readOnlyError(dirname(directory));
    const error = asDiskError(thrown, directory);
    return error instanceof CodedError ? error : undefined;
  }
}

/**
 * Makes a directory and those above it. Throws DISK_FULL, DISK_READ_ONLY and FILE_FAILED. The
 * read-only check is needed because Node then says ENOENT.
 */
export function makeDirectorySync(path: string, mode: number): void {
  try {
    mkdirSync(path, { recursive: true, mode });
  } catch (error) {
    throw readOnlyError(path) ?? asFileError(error, path);
  }
}
