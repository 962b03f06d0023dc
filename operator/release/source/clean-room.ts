import { mkdir, writeFile } from 'node:fs/promises';
import { devNull } from 'node:os';
import { join, resolve } from 'node:path';
import { type GitPlace, git } from './git.ts';

/** Where git keeps what belongs to a repository. */
export interface Repository {
  /** Shared by all work trees; holds `modules/` for submodules. */
  readonly commonDirectory: string;
  readonly objectsDirectory: string;
  readonly objectFormat: string;
  /** Path of the place inside the work tree, empty or with "/" at its end. */
  readonly prefix: string;
}

/** A commit to export, found in a repository. */
export interface FoundCommit {
  readonly place: GitPlace;
  readonly repository: Repository;
  /** The same repository without anybody's settings, see {@link openCleanRoom}. */
  readonly room: GitPlace;
  readonly commit: string;
}

/** Throws GIT_FAILED where no repository is, or one that belongs to another user. */
export async function findRepository(place: GitPlace): Promise<Repository> {
  const questions = ['--show-object-format', '--show-prefix', '--git-common-dir', '--git-path'];
  const output = (await git(place, ['rev-parse', ...questions, 'objects'])).toString('utf8');
  const [objectFormat = 'sha1', prefix = '', common = '', objects = ''] = output.split('\n');
  const { directory } = place;
  return {
    commonDirectory: resolve(directory, common),
    objectsDirectory: resolve(directory, objects),
    objectFormat,
    prefix,
  };
}

/**
 * A second, empty repository in `directory` that only shares the objects of the first one. A commit
 * that is read through it has the same bytes on every machine: neither `.git/config` nor
 * `.git/info/attributes`, neither the user's nor the system's configuration can add a filter,
 * withhold a file or start a program. Attributes of the commit itself still count.
 */
export async function openCleanRoom(
  place: GitPlace,
  { objectsDirectory, objectFormat, prefix }: Omit<Repository, 'commonDirectory'>,
  directory: string,
): Promise<GitPlace> {
  const gitDirectory = join(directory, 'git');
  const workTree = join(directory, 'work-tree');
  await mkdir(join(gitDirectory, 'objects/info'), { recursive: true });
  await mkdir(join(gitDirectory, 'refs'));
  // The prefix is made of names, so that git runs "in" the same directory of the repository.
  await mkdir(join(workTree, prefix), { recursive: true });
  await writeFile(join(gitDirectory, 'HEAD'), 'ref: refs/heads/none\n');
  await writeFile(join(gitDirectory, 'objects/info/alternates'), `${objectsDirectory}\n`);
  const version = objectFormat === 'sha1' ? 0 : 1;
  const extension = version === 0 ? '' : `[extensions]\n\tobjectFormat = ${objectFormat}\n`;
  const core = `[core]\n\trepositoryFormatVersion = ${version}\n\tbare = false\n${extension}`;
  await writeFile(join(gitDirectory, 'config'), core);
  const variables = {
    GIT_DIR: gitDirectory,
    GIT_WORK_TREE: workTree,
    GIT_INDEX_FILE: join(gitDirectory, 'index'),
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_SYSTEM: devNull,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_COUNT: '0',
    XDG_CONFIG_HOME: gitDirectory, // older versions of git do not know GIT_CONFIG_GLOBAL
    HOME: gitDirectory,
  };
  return {
    directory: join(workTree, prefix),
    env: place.env,
    cleanRoom: { variables, repository: place.directory },
  };
}
