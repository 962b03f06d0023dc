import { type GitPlace, gitAnswer } from './git.ts';

/**
 * Whether the history of a commit contains another one. `unknown`: the repository does not have
 * both, or its history is cut, as in a shallow clone of a CI job.
 */
export async function containsCommit(
  place: GitPlace,
  commit: string,
  contained: string,
): Promise<'yes' | 'no' | 'unknown'> {
  const args = ['merge-base', '--is-ancestor', contained, commit];
  if ((await gitAnswer(place, args)) !== undefined) return 'yes';
  for (const each of [commit, contained]) {
    const found = await gitAnswer(place, ['rev-parse', '--verify', '--quiet', `${each}^{commit}`]);
    if (found === undefined) return 'unknown';
  }
  const isShallow = await gitAnswer(place, ['rev-parse', '--is-shallow-repository']);
  return isShallow === 'false' ? 'no' : 'unknown';
}
