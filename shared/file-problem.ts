import { lstatSync, readlinkSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { orUndefined } from './files.ts';
import { shellWord } from './shell-word.ts';

/** Why a file that a person named could not be read or written, and what to do about it. */
export interface FileProblem {
  /** Names the file. */
  readonly why: string;
  readonly next: string;
}

/** Describes an error of `node:fs` for `path`. Any other error is quoted. */
export function fileProblem(path: string, error: unknown): FileProblem {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  const look = `ls -ld ${shellWord(path)}`;
  const link = isAboutAPath(code) ? brokenLink(path) : undefined;
  if (link !== undefined) {
    const why = `${link} is a symbolic link to ${readlinkSync(link)}, which leads to nothing`;
    return { why, next: `ls -ld ${shellWord(link)}; then correct the link, or give another path` };
  }
  switch (code ?? '') {
    case 'ENOENT':
      return missing(path);
    case 'EACCES':
    case 'EPERM':
      return { why: `no permission for ${path}`, next: look };
    case 'ENOTDIR':
    case 'EEXIST':
      return noDirectory(path);
    case 'EISDIR':
    case 'ERR_FS_EISDIR':
      return { why: `${path} is a directory, where a file is needed`, next: look };
    case 'ENOTEMPTY':
      return {
        why: `${path} has files, where an empty directory is needed`,
        next: `ls -A ${shellWord(path)}`,
      };
    case 'ENXIO':
      return { why: `${path} is a socket or a device, where a file is needed`, next: look };
    case 'ENAMETOOLONG':
      return { why: `the path ${path.slice(0, 80)}... is too long`, next: 'give a shorter path' };
    case 'ENOSPC':
    case 'EDQUOT':
      return { why: `no space is left for ${path}`, next: `df -h ${shellWord(dirname(path))}` };
    case 'EROFS':
      return { why: `the file system of ${path} is read-only`, next: 'give another path' };
    default: {
      const text = message ?? String(error);
      return { why: text.includes(path) ? text : `${path}: ${text}`, next: look };
    }
  }
}

/**
 * When the directory is missing, the message names the directory, because that is what a person
 * must correct.
 */
function missing(path: string): FileProblem {
  const directory = dirname(path);
  if (isThere(directory)) {
    return {
      why: `there is no ${path}`,
      next: `ls ${shellWord(directory)}; then give the right path`,
    };
  }
  let top = directory;
  while (top !== dirname(top) && !isThere(dirname(top))) top = dirname(top);
  return {
    why: `there is no directory ${top} for ${path}`,
    next: `ls ${shellWord(dirname(top))}; then give the right path`,
  };
}

/** Of a path through a file, the file is what a person must move away. */
function noDirectory(path: string): FileProblem {
  let part = path;
  while (part !== dirname(part) && orUndefined(() => lstatSync(part)) === undefined)
    part = dirname(part);
  const isDirectory = orUndefined(() => lstatSync(part).isDirectory()) === true;
  const found = isDirectory ? 'exists already' : 'is a file, where a directory is needed';
  const purpose = part === path ? '' : ` for ${path}`;
  return { why: `${part} ${found}${purpose}`, next: `ls -ld ${shellWord(part)}` };
}

function isThere(path: string): boolean {
  return orUndefined(() => statSync(path)) !== undefined;
}

function isAboutAPath(code: string | undefined): boolean {
  return ['ENOENT', 'EEXIST', 'ENOTDIR', 'ELOOP'].includes(code ?? '');
}

/** Returns the broken link on a path: the path itself or a directory above it. */
function brokenLink(path: string): string | undefined {
  for (let at = path; ; at = dirname(at)) {
    const isLink = orUndefined(() => lstatSync(at).isSymbolicLink());
    if (isLink === true && orUndefined(() => statSync(at)) === undefined) return at;
    if (isLink !== undefined || at === dirname(at)) return undefined;
  }
}
