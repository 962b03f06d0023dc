import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Ignore } from 'ignore';
import { pathProblem } from '../../../bucket/documents/tree-rules.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { gitPatterns } from './exclude.ts';
import { headOf } from './head.ts';
import { readRules } from './rule-file.ts';
import type { TreeBuilder } from './tree-builder.ts';

const CHUNK_BYTES = 1024 ** 2;

/**
 * Adds everything below a directory, without git: the configuration of an unpacked repository can
 * name programs. Its `.gitignore` files are applied when it has a `.git`, but files in `.git` are
 * not read. Throws ARCHIVE_UNSAFE for sockets and the like.
 */
export function addDirectory(
  builder: TreeBuilder,
  directory: string,
  path: string,
  which: 'not ignored' | 'everything' = 'not ignored',
): void {
  addLevel(builder, { directory, path, ignored: undefined, which });
}

interface Level {
  readonly directory: string;
  /** Path in the tree; empty for its root. */
  readonly path: string;
  /** `.gitignore` files from the repository's root down to here; undefined outside a repository. */
  readonly ignored: readonly IgnoreFile[] | undefined;
  /** `everything`: an installer made the directory, so .gitignore files do not apply. */
  readonly which: 'not ignored' | 'everything';
}

interface IgnoreFile {
  /** Path in the tree of the directory that the file is in. */
  readonly base: string;
  readonly patterns: Ignore;
}

function addLevel(builder: TreeBuilder, { directory, path, ignored, which }: Level): void {
  const names = readdirSync(directory).sort();
  if (names.includes('.git') && path !== '') {
    builder.checkouts.push({ path, ...headOf(directory) });
  }
  const isRepository = which === 'not ignored' && names.includes('.git');
  const above = isRepository ? [] : ignored;
  const own = () => (names.includes('.gitignore') ? [ignoreFile(directory, path)] : []);
  const here = above && [...above, ...own()];
  for (const name of names) {
    if (name === '.git') continue;
    const inner = path === '' ? name : `${path}/${name}`;
    addPath(builder, { directory: join(directory, name), path: inner, ignored: here, which });
  }
}

function ignoreFile(directory: string, base: string): IgnoreFile {
  const lines = (readRules(join(directory, '.gitignore')) ?? '').split(/\r?\n/);
  return { base, patterns: gitPatterns(lines) };
}

function addPath(builder: TreeBuilder, level: Level): void {
  const { directory: file, path, ignored } = level;
  if (withheldForItsName(builder, path)) return;
  const stat = lstatSync(file);
  if (isIgnored(ignored ?? [], path, stat.isDirectory())) return;
  if (stat.isDirectory()) addLevel(builder, level);
  else addFile(builder, file, path);
}

/** The deepest file with a matching pattern decides, as in git. */
function isIgnored(files: readonly IgnoreFile[], path: string, isDirectory: boolean): boolean {
  for (const { base, patterns } of files.toReversed()) {
    const relative = base === '' ? path : path.slice(base.length + 1);
    const { ignored, unignored } = patterns.test(isDirectory ? `${relative}/` : relative);
    if (ignored || unignored) return ignored;
  }
  return false;
}

/**
 * Withholds a path that no file has: Node and git list it with U+FFFD in the place of each byte
 * that is not UTF-8.
 */
export function withheldForItsName(builder: TreeBuilder, path: string): boolean {
  const isOther = path.includes('\ufffd');
  if (isOther) builder.withhold(path, pathProblem(path, 'any') ?? '');
  return isOther;
}

/** Adds one file or link. Throws ARCHIVE_UNSAFE for anything else. */
export function addFile(builder: TreeBuilder, file: string, path: string): void {
  const stat = lstatSync(file);
  if (!builder.accepts(path, stat.size)) return;
  if (stat.isSymbolicLink()) {
    builder.link(path, readlinkSync(file));
    return;
  }
  if (!stat.isFile()) throw unsafe(path);
  const writer = builder.file(path, (stat.mode & 0o100) !== 0);
  const opened = openSync(file, 'r');
  try {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let read = readSync(opened, buffer); read > 0; read = readSync(opened, buffer)) {
      writer.write(buffer.subarray(0, read));
    }
  } finally {
    closeSync(opened);
  }
  writer.end();
}

function unsafe(path: string): CodedError {
  return new CodedError(`${path} is neither a file nor a link, so it cannot be published`, {
    code: 'ARCHIVE_UNSAFE',
    next: 'remove it, or name it in .gitignore or in publish.exclude',
  });
}
