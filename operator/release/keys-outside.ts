import { realpath } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { CodedError } from '../../shared/coded-error.ts';
import { shellWord } from '../../shared/shell-word.ts';
import { type GitPlace, gitAnswer } from './source/git.ts';

/**
 * Refuses signing keys inside the repository that is published: `git add --all` or a publication of
 * the work tree would give them to all hosts. Throws CONFIG_INVALID.
 */
export async function assertKeysOutside(place: GitPlace, keysDirectory: string): Promise<void> {
  const top = await gitAnswer(place, ['rev-parse', '--show-toplevel']);
  const repository = await realPath(top ?? place.directory);
  const keys = await realPath(keysDirectory);
  const way = relative(repository, keys);
  if (way === '..' || way.startsWith(`..${sep}`)) return;
  throw new CodedError(`the signing keys are inside the repository: ${keys} in ${repository}`, {
    code: 'CONFIG_INVALID',
    next: `mv ${shellWord(keys)} to a directory outside, for example ~/.config/miyamoto/keys, and set keys: to it`,
    details: { keys, repository },
  });
}

/** Resolves links also when the last directories do not exist yet. */
async function realPath(path: string): Promise<string> {
  const absolute = resolve(path);
  const parent = dirname(absolute);
  return await realpath(absolute).catch(async () =>
    parent === absolute ? absolute : join(await realPath(parent), relative(parent, absolute)),
  );
}
