import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../shared/coded-error.ts';
import { type GitPlace, git } from './git.ts';
import { LIMITS, type SourceTree, type TreeEntry } from './tree.ts';

/**
 * What lies in the directory: tracked files as they are now, and new ones that git does not ignore; submodules and
 * repositories inside with theirs. Throws GIT_FAILED where there is no work tree, ARCHIVE_UNSAFE for sockets and kin.
 */
export async function readWorkTree(place: GitPlace): Promise<SourceTree> {
  const found: Found = { entries: [], emptySubmodules: [], bytes: 0 };
  await collect(place, '', found);
  const { entries, emptySubmodules } = found;
  return { entries, emptySubmodules, commit: null, ref: null, committedAt: null };
}

interface Found {
  readonly entries: TreeEntry[];
  readonly emptySubmodules: string[];
  bytes: number;
}

async function collect(place: GitPlace, prefix: string, found: Found): Promise<void> {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate', '-z'];
  const names = (await git(place, args)).toString('utf8').split('\0').filter(Boolean);
  for (const name of names) {
    // A repository inside this one is listed by its directory.
    const path = name.replace(/\/$/, '');
    await take({ place, file: join(place.directory, path), path: prefix + path }, found);
  }
}

interface Item {
  readonly place: GitPlace;
  readonly file: string;
  readonly path: string;
}

async function take(item: Item, found: Found): Promise<void> {
  const { file, path } = item;
  const stat = await lstat(file).catch(ifMissing);
  if (stat === undefined) return; // tracked, but deleted here
  if (stat.isDirectory()) return await takeRepository(item, found);
  if (stat.isSymbolicLink()) {
    found.entries.push({ kind: 'link', path, target: await readlink(file) });
    return;
  }
  if (!stat.isFile()) throw unsafe(path);
  found.bytes += stat.size;
  if (found.bytes > LIMITS.bytes) throw tooLarge(item.place.directory);
  const isExecutable = (stat.mode & 0o100) !== 0;
  found.entries.push({ kind: 'file', path, isExecutable, content: await readFile(file) });
}

async function takeRepository({ place, file, path }: Item, found: Found): Promise<void> {
  const names = await readdir(file);
  if (names.includes('.git')) await collect({ ...place, directory: file }, `${path}/`, found);
  else if (names.length === 0) found.emptySubmodules.push(path);
  else throw unsafe(path);
}

function ifMissing(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw error;
}

function unsafe(path: string): CodedError {
  return new CodedError(`${path} is neither a file nor a link, it cannot be published`, {
    code: 'ARCHIVE_UNSAFE',
    next: `take it away, or name it in .gitignore`,
  });
}

function tooLarge(directory: string): CodedError {
  return new CodedError(`${directory} holds more than ${LIMITS.bytes} bytes to publish`, {
    code: 'ARCHIVE_TOO_LARGE',
    next: 'name large files in .gitignore, or put them below binaries/',
  });
}
