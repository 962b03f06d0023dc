import { printable } from '../../../shared/clean-text.ts';
import { counted } from '../../../shared/counted.ts';
import type { FoundCommit } from './clean-room.ts';
import { namesOf } from './export-ref.ts';
import { gitAnswer } from './git.ts';
import { commitsNamed } from './objects.ts';

const SHOWN = 12;
const BRANCHES = ['refs/heads/', 'refs/remotes/origin/'];

/** Warnings when the commit of a ref may not be the one that the operator means. */
export async function refWarnings(
  { place, commit }: FoundCommit,
  ref: string,
): Promise<readonly string[]> {
  const originName = `refs/remotes/origin/${ref}`;
  const commits = await commitsNamed(place, [originName, 'HEAD']);
  const warnings: string[] = [];
  const here = commit.slice(0, SHOWN);
  const origin = commits.get(originName);
  if (origin !== undefined && origin !== commit) {
    const behind = await gitAnswer(place, ['rev-list', '--count', `${commit}..${origin}`]);
    if (behind !== undefined && behind !== '0') {
      const there = origin.slice(0, SHOWN);
      warnings.push(
        `${ref} is at ${here}, ${counted(behind, 'commit')} behind origin/${ref} at ${there}: git pull`,
      );
    }
  }
  const head = commits.get('HEAD');
  if (head !== undefined && head !== commit) {
    const branch = await gitAnswer(place, ['symbolic-ref', '--quiet', 'HEAD']);
    const checkedOut = head.slice(0, SHOWN);
    if (branch === undefined)
      warnings.push(
        `${ref} is at ${here}, but ${checkedOut} is checked out (detached HEAD): --ref ${checkedOut} publishes that`,
      );
  }
  return warnings;
}

/**
 * For a commit that somebody else says is on the ref: warns when it is not, in this clone. A tag
 * with the name of a branch does not count: who may push it may not push to the branch.
 */
export async function notOnRef(
  { place, commit }: Pick<FoundCommit, 'place' | 'commit'>,
  ref: string,
): Promise<readonly string[]> {
  const found = await commitsNamed(place, namesOf(ref));
  const branches = BRANCHES.flatMap((folder) => found.get(`${folder}${ref}`) ?? []);
  for (const head of branches.length > 0 ? branches : found.values()) {
    const isPart = await gitAnswer(place, ['merge-base', '--is-ancestor', commit, head]);
    if (isPart !== undefined) return [];
  }
  return [
    `commit ${commit.slice(0, SHOWN)} is not on ${printable(ref, 255)} in this clone: ask who published it where it is from`,
  ];
}
