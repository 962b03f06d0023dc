import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { gitDirectoryIn } from '../tree/head.ts';
import { type FoundCommit, openCleanRoom } from './clean-room.ts';
import { type GitPlace, gitAnswer } from './git.ts';

export interface Submodule {
  /** Relative to the place. */
  readonly path: string;
  readonly commit: string;
  readonly url: string | null;
  /** Undefined: its commit is not in this clone. `directory` is temporary and empty. */
  open(directory: string): Promise<FoundCommit | undefined>;
}

/**
 * The submodules of a commit, with the commits that they are pinned to.
 *
 * @param listing of `git ls-tree --full-tree`
 */
export async function submodulesOf(
  found: FoundCommit,
  listing: readonly string[],
): Promise<Submodule[]> {
  const { prefix } = found.repository;
  const pinned = listing.flatMap((line) => {
    const [, inner, path] = /^160000 commit ([0-9a-f]+)\t(.+)$/s.exec(line) ?? [];
    if (inner === undefined || path?.startsWith(prefix) !== true) return [];
    return [{ path: path.slice(prefix.length), commit: inner }];
  });
  if (pinned.length === 0) return [];
  const settings = await settingsOf(found);
  return pinned.map(({ path, commit: inner }) => {
    const setting = settings.get(prefix + path);
    return {
      path,
      commit: inner,
      url: setting?.url ?? null,
      open: (directory) =>
        openSubmodule(found, { path, commit: inner, name: setting?.name }, directory),
    };
  });
}

interface Setting {
  readonly name: string;
  readonly url: string | null;
}

/** `.gitmodules` of the commit, by path. */
async function settingsOf({ room, commit }: FoundCommit): Promise<Map<string, Setting>> {
  const args = ['config', '--blob', `${commit}:.gitmodules`, '-z', '--list'];
  const output = (await gitAnswer(room, args)) ?? '';
  const values = new Map<string, string>();
  for (const item of output.split('\0')) {
    const newline = item.indexOf('\n');
    if (newline !== -1) values.set(item.slice(0, newline), item.slice(newline + 1));
  }
  const settings = new Map<string, Setting>();
  for (const [key, path] of values) {
    const name = /^submodule\.(.+)\.path$/s.exec(key)?.[1];
    if (name === undefined) continue;
    settings.set(path, { name, url: values.get(`submodule.${name}.url`) ?? null });
  }
  return settings;
}

async function openSubmodule(
  { place, repository }: FoundCommit,
  wanted: { readonly path: string; readonly commit: string; readonly name: string | undefined },
  directory: string,
): Promise<FoundCommit | undefined> {
  const { path, commit, name } = wanted;
  const { commonDirectory, objectFormat, prefix } = repository;
  const checkout = join(topOf(place, prefix), prefix, path);
  const candidates = [gitDirectoryIn(checkout)];
  // A name such as ../../x would leave the repository (CVE-2018-11235).
  if (name !== undefined && !name.split('/').includes('..')) {
    candidates.push(join(commonDirectory, 'modules', name));
  }
  for (const [index, gitDirectory] of candidates.entries()) {
    if (gitDirectory === undefined || !(await isDirectory(join(gitDirectory, 'objects')))) continue;
    const inner = {
      commonDirectory: gitDirectory,
      objectsDirectory: join(gitDirectory, 'objects'),
      objectFormat,
      prefix: '',
    };
    const innerPlace = { directory: checkout, env: place.env };
    const room = await openCleanRoom(innerPlace, inner, join(directory, String(index)));
    const isThere = await gitAnswer(room, ['cat-file', '-e', `${commit}^{commit}`]);
    if (isThere !== undefined) return { place: innerPlace, repository: inner, room, commit };
  }
  return undefined;
}

/** Root of the work tree. Meaningless in a bare repository, which has no checkouts to look at. */
function topOf({ directory }: GitPlace, prefix: string): string {
  const levels = prefix.split('/').filter(Boolean).length;
  return resolve(directory, ...Array<string>(levels).fill('..'));
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
