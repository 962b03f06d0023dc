import { counted } from '../../../shared/counted.ts';
import type { FoundCommit } from './clean-room.ts';
import { namesOf, resolved } from './export-ref.ts';
import { gitAnswer } from './git.ts';

const SHOWN = 12;

/** Warnings when the commit of a ref may not be the one that the operator means. */
export async function refWarnings(
  { place, commit }: FoundCommit,
  ref: string,
): Promise<readonly string[]> {
  const commitOf = async (name: string) =>
    await gitAnswer(place, ['rev-parse', '--verify', '--quiet', `${name}^{commit}`]);
  const warnings: string[] = [];
  const here = commit.slice(0, SHOWN);
  const origin = await commitOf(`refs/remotes/origin/${ref}`);
  if (origin !== undefined && origin !== commit) {
    const behind = await gitAnswer(place, ['rev-list', '--count', `${commit}..${origin}`]);
    if (behind !== undefined && behind !== '0') {
      const there = origin.slice(0, SHOWN);
      warnings.push(
        `${ref} is at ${here}, ${counted(behind, 'commit')} behind origin/${ref} at ${there}: git pull`,
      );
    }
  }
  const branch = await gitAnswer(place, ['symbolic-ref', '--quiet', 'HEAD']);
  const head = branch === undefined ? await commitOf('HEAD') : undefined;
  if (head !== undefined && head !== commit) {
    const checkedOut = head.slice(0, SHOWN);
    warnings.push(
      `${ref} is at ${here}, but ${checkedOut} is checked out (detached HEAD): --ref ${checkedOut} publishes that`,
    );
  }
  return warnings;
}

/** For a commit that somebody else says is on the ref: warns when it is not, in this clone. */
export async function notOnRef(
  { place, commit }: FoundCommit,
  ref: string,
): Promise<readonly string[]> {
  for (const name of namesOf(ref)) {
    const head = await resolved(place, name);
    if (head === undefined) continue;
    const isPart = await gitAnswer(place, ['merge-base', '--is-ancestor', commit, head]);
    if (isPart !== undefined) return [];
  }
  return [
    `commit ${commit.slice(0, SHOWN)} is not on ${ref} in this clone: ask the proposer where it is from`,
  ];
}
