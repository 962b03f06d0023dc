import { lstatSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { TreeBuilder } from '../tree/tree-builder.ts';
import { addDirectory, addFile, withheldForItsName } from '../tree/walk.ts';
import { attributesOf } from './attributes.ts';
import { findRepository } from './clean-room.ts';
import { applyFilters } from './filters.ts';
import { type GitPlace, gitList } from './git.ts';

export interface WorkTreeOptions {
  readonly filters: readonly string[];
  /**
   * Directories of modules. They are published even when git ignores them, because `r10k` installs
   * modules there.
   */
  readonly moduleDirectories: readonly string[];
}

/**
 * Adds the files of a work tree: tracked files as they are now, and new files that git does not
 * ignore. Repositories inside are read without git. Returns the ignored paths that are not
 * published. Throws GIT_FAILED where no work tree is, ARCHIVE_UNSAFE.
 */
export async function readWorkTree(
  place: GitPlace,
  builder: TreeBuilder,
  { filters, moduleDirectories }: WorkTreeOptions,
): Promise<readonly string[]> {
  const listed = await listFiles(place);
  const attributes = await attributesOf(place, withParents(listed.keys()), 'work tree');
  const isExportIgnored = (path: string) =>
    withParents([path]).some((each) => attributes.get(each)?.isExportIgnored === true);
  for (const [path, isSkipped] of listed) {
    if (isExportIgnored(path)) continue;
    if (isSkipped) {
      const bring = 'git sparse-checkout disable, or git update-index --no-skip-worktree';
      builder.withhold(path, `is left out of this work tree (skip-worktree): ${bring}`);
    } else addListed(builder, join(place.directory, path), path);
  }
  const { commonDirectory } = await findRepository(place);
  const filterOf = new Map([...attributes].map(([path, { filter }]) => [path, filter]));
  await applyFilters(builder, { place, commonDirectory, filterOf }, { prefix: '', filters });
  return await addIgnoredModules(place, builder, moduleDirectories);
}

/** Path to whether git's index marks it as left out of the work tree. */
async function listFiles(place: GitPlace): Promise<Map<string, boolean>> {
  const args = ['ls-files', '-t', '--cached', '--others', '--exclude-standard', '-z'];
  const files = new Map<string, boolean>();
  for (const line of await gitList(place, args)) {
    // A repository inside this one is listed by its directory, with "/" at the end.
    files.set(line.slice(2).replace(/\/$/, ''), line.startsWith('S '));
  }
  return files;
}

function addListed(builder: TreeBuilder, file: string, path: string): void {
  if (withheldForItsName(builder, path)) return;
  const stat = statOf(file);
  if (stat === undefined) return; // tracked, but deleted in the work tree
  if (!stat.isDirectory()) addFile(builder, file, path);
  else if (readdirSync(file).length > 0) addDirectory(builder, file, path);
  else if (builder.accepts(path)) builder.emptySubmodules.push(path);
}

function statOf(file: string): Stats | undefined {
  try {
    return lstatSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * The paths, and each directory above them as `dir/`: attributes of a directory count for its
 * files.
 */
function withParents(paths: Iterable<string>): string[] {
  const all = new Set<string>();
  for (const path of paths) {
    all.add(path);
    for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
      all.add(path.slice(0, at + 1));
    }
  }
  return [...all];
}

/** Whole modules, or the directory of all modules; a single ignored file in a module stays out. */
async function addIgnoredModules(
  place: GitPlace,
  builder: TreeBuilder,
  moduleDirectories: readonly string[],
): Promise<readonly string[]> {
  const args = ['ls-files', '--others', '--ignored', '--exclude-standard', '--directory', '-z'];
  const leftOut: string[] = [];
  for (const line of await gitList(place, args)) {
    const path = line.replace(/\/$/, '');
    const directories = line.endsWith('/') ? modulesIn(path, moduleDirectories) : [];
    if (directories.length === 0) leftOut.push(path);
    for (const directory of directories) {
      if (statOf(join(place.directory, directory))?.isDirectory() !== true) continue;
      addDirectory(builder, join(place.directory, directory), directory);
    }
  }
  return leftOut;
}

/** The modules in an ignored directory: itself, or directories of modules below it. */
function modulesIn(path: string, moduleDirectories: readonly string[]): string[] {
  const above = path.split('/').slice(0, -1).join('/');
  if (moduleDirectories.some((directory) => directory === path || directory === above))
    return [path];
  return moduleDirectories.filter((directory) => directory.startsWith(`${path}/`));
}
