import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { type GitPlace, gitAnswer, gitList } from './git.ts';

/** A branch, and the environment that it becomes. */
export interface Branch {
  readonly name: string;
  readonly environment: string;
}

/**
 * The branches of a clone: its own, and those of origin as of the last fetch. No server is asked.
 * Throws GIT_FAILED.
 */
export async function branchesOf(place: GitPlace): Promise<readonly Branch[]> {
  const args = ['for-each-ref', '--format=%(refname)%00', 'refs/heads', 'refs/remotes/origin'];
  const refs = (await gitList(place, args)).map((line) => line.trim());
  const names = refs.map((ref) => ref.replace(/^refs\/(?:heads|remotes\/origin)\//, ''));
  const branches = [...new Set(names)].filter((name) => name !== 'HEAD');
  return branches.map((name) => ({ name, environment: environmentOfBranch(name) }));
}

/**
 * The environment of a branch, as r10k names it with `invalid_branches: correct`: `feature/x-1`
 * becomes `feature_x_1`.
 */
export function environmentOfBranch(branch: string): string {
  return branch.replace(/\W/g, '_');
}

/**
 * Finds the branch of that name, or the branch that becomes the environment of that name. Undefined
 * when no branch matches. Throws USAGE when two branches become the same environment.
 */
export async function findBranch(place: GitPlace, given: string): Promise<Branch | undefined> {
  const environment = environmentOfBranch(given);
  const branches = await branchesOf(place);
  const [branch, ...others] = branches.filter((each) => each.environment === environment);
  if (branch === undefined || (given !== environment && !branches.some(isNamed(given)))) {
    return undefined;
  }
  if (others.length === 0) return branch;
  const names = [branch, ...others].map(({ name }) => name).join(', ');
  throw new CodedError(`these branches become one environment, ${environment}: ${names}`, {
    code: 'USAGE',
    next: `rename one of them; or mm publish ${environment} --ref BRANCH`,
  });
}

function isNamed(given: string): (branch: Branch) => boolean {
  return ({ name }) => name === given;
}

/**
 * Throws GIT_FAILED for a clone that has only some branches of origin, as CI jobs make them: the
 * others would look as if they were gone.
 */
export async function requireAllBranches(place: GitPlace): Promise<void> {
  const fetches = await gitAnswer(place, ['config', '--get-all', 'remote.origin.fetch']);
  if (fetches === undefined || /(^|:|\+)refs\/heads\/\*/m.test(fetches)) return;
  throw new CodedError(`${place.directory} has only some branches of origin: ${fetches}`, {
    code: 'GIT_FAILED',
    next: `git -C ${shellWord(place.directory)} remote set-branches origin '*'; then git fetch --prune origin`,
  });
}
