import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { isFileError } from '../../../shared/files.ts';
import { shellWord } from '../../../shared/shell-word.ts';

/** The words after `mm-agent`, as they were typed. */
export type Argv = readonly string[];

/** Throws PERMISSION_DENIED when the file exists and this user may not read it. */
export function requireReadable(path: string, argv: Argv): void {
  if (isDenied(path, constants.R_OK))
    throw permissionDenied(`this user may not read ${path}`, argv);
}

/** Throws PERMISSION_DENIED when this user may not write into or create one of the directories. */
export function requireWritable(directories: readonly string[], argv: Argv): void {
  const denied = directories.find((path) => !isWritable(path));
  if (denied !== undefined) throw permissionDenied(`this user may not write ${denied}`, argv);
}

/** Whether this user may write into the directory, or create it if it is missing. */
export function isWritable(path: string): boolean {
  return !isDenied(path, constants.R_OK | constants.W_OK | constants.X_OK, dirname);
}

/** The error for a refused file, which `cause` names. */
export function deniedFile(cause: NodeJS.ErrnoException, argv: Argv): CodedError {
  return permissionDenied(`this user may not use ${cause.path ?? 'it'}`, argv, cause);
}

/** Whether the system refused a file to this user that it would not refuse to root. */
export function isDenial(error: unknown): error is NodeJS.ErrnoException {
  return !isRoot() && (isFileError(error, 'EACCES') || isFileError(error, 'EPERM'));
}

/** A command as a person types it in a shell. */
export function commandLine(...words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

function isDenied(path: string, mode: number, whenMissing?: (path: string) => string): boolean {
  try {
    accessSync(path, mode);
    return false;
  } catch (error) {
    if (!isFileError(error, 'ENOENT')) return isDenial(error);
    const next = whenMissing?.(path) ?? path;
    return next !== path && isDenied(next, mode, whenMissing);
  }
}

function isRoot(): boolean {
  return process.geteuid?.() === 0;
}

function permissionDenied(message: string, argv: Argv, cause?: unknown): CodedError {
  const next = commandLine('sudo', 'mm-agent', ...argv);
  return new CodedError(message, { code: 'PERMISSION_DENIED', cause, next });
}
