import { type GitPlace, git, gitAnswer } from './git.ts';

/*
 * Several questions to one process of git: to start a process takes longer than all the answers.
 * git reads one name from each line.
 */

/**
 * The commits that git finds, by the name that was asked for. Empty where there is no repository.
 */
export async function commitsNamed(
  place: GitPlace,
  names: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  // Nothing has such a name, and git would read it as two names or as the beginning of one.
  const asked = names.filter((name) => !/[\0\n]/.test(name));
  const input = asked.map((name) => `${name}^{commit}\n`).join('');
  const answer = (await gitAnswer(place, ['cat-file', '--batch-check'], input)) ?? '';
  const found = new Map<string, string>();
  for (const [index, line] of answer.split('\n').entries()) {
    const [, commit] = /^([0-9a-f]{40,64}) commit \d+$/.exec(line) ?? [];
    const name = asked[index];
    if (commit !== undefined && name !== undefined) found.set(name, commit);
  }
  return found;
}

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
  const found = await commitsNamed(place, [commit, contained]);
  if (!found.has(commit) || !found.has(contained)) return 'unknown';
  const isShallow = await gitAnswer(place, ['rev-parse', '--is-shallow-repository']);
  return isShallow === 'false' ? 'no' : 'unknown';
}

export interface GitObject {
  readonly type: string;
  readonly content: string;
}

/**
 * The objects with these names, in this order. Links of a commit are followed. Undefined: not in
 * the repository.
 */
export async function readObjects(
  place: GitPlace,
  names: readonly string[],
): Promise<readonly (GitObject | undefined)[]> {
  const input = names.map((name) => `${name}\n`).join('');
  const output = await git(place, ['cat-file', '--batch', '--follow-symlinks'], input);
  let at = 0;
  return names.map(() => {
    const end = output.indexOf('\n', at);
    const head = output.toString('utf8', at, end);
    at = end + 1;
    const [, type, size] = /^[0-9a-f]{40,64} (\w+) (\d+)$/.exec(head) ?? [];
    // The name follows of a link that leads out of the commit, or to nothing.
    const [, rest] = /^(?:symlink|dangling|loop|notdir) (\d+)$/.exec(head) ?? [];
    if (rest !== undefined) at += Number(rest) + 1;
    if (type === undefined) return undefined;
    const content = output.toString('utf8', at, at + Number(size));
    at += Number(size) + 1;
    return { type, content };
  });
}
