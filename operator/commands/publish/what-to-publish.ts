import { resolve } from 'node:path';
import { EnvironmentName } from '../../../bucket/documents/names.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { didYouMean, nearest } from '../../../shared/suggestion.ts';
import type { TreeConfig } from '../../config.ts';
import type { Context, SigningOptions } from '../../context.ts';
import type { HostOptions } from '../../preview/host-options.ts';
import { branchesOf, environmentOfBranch, findBranch } from '../../release/source/branches.ts';
import { assertVersionForm } from '../../release/version-label.ts';
import type { DoubtOptions } from '../move/doubts.ts';

export interface PublishOptions extends SigningOptions, DoubtOptions, HostOptions {
  readonly ref?: string | undefined;
  readonly workingTree?: boolean | undefined;
  /** A directory that `r10k deploy` or g10k deployed. */
  readonly directory?: string | undefined;
  readonly version?: string | undefined;
  readonly reason?: string | undefined;
  readonly force?: boolean | undefined;
  /** Path of a proposal for other signers. */
  readonly out?: string | undefined;
  /** Show what would change, and ask. */
  readonly preview?: boolean | undefined;
  /** The answer to that question. */
  readonly yes?: boolean | undefined;
  /** False with `--no-validate`. */
  readonly validate?: boolean | undefined;
  /** Warnings and missing programs count as errors. */
  readonly strict?: boolean | undefined;
}

export interface Wanted {
  readonly environment: string;
  /** Undefined: the work tree, or `deployed`. */
  readonly ref: string | undefined;
  /** Absolute path of a directory that another program deployed. */
  readonly deployed?: string | undefined;
  /** The branch that the environment is made from, for an environment of a class. */
  readonly branch?: string | undefined;
}

interface Given {
  /** The name of an environment or of a branch. */
  readonly environment: string | undefined;
  readonly options: PublishOptions;
}

/**
 * Decides which environment to publish, and from which source: by the options, by miyamoto.yaml, or
 * by the branch of that name. Throws USAGE, ENVIRONMENT_UNKNOWN, GIT_FAILED.
 */
export async function whatToPublish(
  context: Pick<Context, 'user' | 'cwd' | 'env'>,
  config: Pick<TreeConfig, 'refs' | 'repository'>,
  given: Given,
): Promise<Wanted> {
  const { ref, workingTree = false, directory, version } = given.options;
  if (version !== undefined) assertVersionForm(version);
  if (given.options.strict === true && given.options.validate === false)
    throw usage('--strict checks everything, and --no-validate nothing: give one of them');
  if (workingTree && ref !== undefined) throw usage('give either --ref or --working-tree');
  if (directory !== undefined && (workingTree || ref !== undefined)) {
    throw usage('--directory replaces --ref and --working-tree');
  }
  const name = given.environment ?? (workingTree ? ownEnvironment(context.user) : undefined);
  if (name === undefined) {
    throw usage(`no environment given; miyamoto.yaml has ${knownNames(config)}`);
  }
  const environment = nameOf(name);
  if (directory !== undefined) {
    return { environment, ref: undefined, deployed: resolve(context.cwd, directory) };
  }
  if (workingTree) return { environment, ref: undefined };
  const wanted = ref ?? (name === environment ? config.refs.get(environment) : undefined);
  if (wanted === undefined) return await fromBranch(context, config, name);
  // A CI job that checked out a commit may not have the branch: `mm publish feature/x --ref HEAD`.
  return { environment, ref: wanted, ...(name !== environment && { branch: name }) };
}

async function fromBranch(
  { env }: Pick<Context, 'env'>,
  config: Pick<TreeConfig, 'refs' | 'repository'>,
  name: string,
): Promise<Wanted> {
  const { refs, repository } = config;
  const environment = nameOf(name);
  if (refs.has(environment)) {
    throw usage(
      `branch ${name} would become ${environment}, which miyamoto.yaml publishes from ${refs.get(environment)}`,
    );
  }
  const place = { directory: repository, env };
  const branch = await findBranch(place, name);
  if (branch !== undefined) return { environment, ref: branch.name, branch: branch.name };
  const branches = (await branchesOf(place)).map((each) => each.name);
  const known = [...refs.keys(), ...branches];
  const near = nearest(name, known);
  throw new CodedError(
    `no environment ${name} in miyamoto.yaml, and no branch of that name in ${repository}${didYouMean(name, known) || ';'} miyamoto.yaml has ${knownNames(config)}`,
    {
      code: 'ENVIRONMENT_UNKNOWN',
      next:
        near === undefined
          ? `git -C ${shellWord(repository)} branch --all; or mm publish ${environment} --ref BRANCH`
          : `mm publish ${shellWord(near)}`,
      details: { environment },
    },
  );
}

/** The name of the environment. The name of a branch is changed as r10k does it. Throws USAGE. */
function nameOf(given: string): string {
  const environment = environmentOfBranch(given);
  if (!given.split('/').includes('..') && EnvironmentName.safeParse(environment).success) {
    return environment;
  }
  throw usage(
    `environment ${JSON.stringify(given)}: expected letters, digits and "_", or a branch`,
  );
}

function knownNames({ refs }: Pick<TreeConfig, 'refs'>): string {
  return [...refs.keys()].join(', ') || 'none';
}

/** `dev_<user>`, with the characters that Puppet allows in an environment's name. */
function ownEnvironment(user: string): string {
  return `dev_${user.toLowerCase().replace(/\W+/g, '_').slice(0, 60)}`;
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm publish --help' });
}
