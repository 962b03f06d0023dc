import { resolve } from 'node:path';
import { EnvironmentName } from '../../../bucket/documents/names.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { TreeConfig } from '../../config.ts';
import type { Context, SigningOptions } from '../../context.ts';

export interface PublishOptions extends SigningOptions {
  readonly ref?: string | undefined;
  readonly workingTree?: boolean | undefined;
  /** What `r10k deploy` or g10k laid down. */
  readonly directory?: string | undefined;
  readonly version?: string | undefined;
  readonly reason?: string | undefined;
  readonly force?: boolean | undefined;
  /** Path of a proposal for other signers. */
  readonly out?: string | undefined;
  /** False with `--no-validate`. */
  readonly validate?: boolean | undefined;
}

export interface Wanted {
  readonly environment: string;
  /** Undefined: the work tree, or `deployed`. */
  readonly ref: string | undefined;
  /** Absolute path of a directory that another program laid down. */
  readonly deployed?: string | undefined;
}

/** Which environment to publish, and from where. Throws USAGE, ENVIRONMENT_UNKNOWN. */
export function whatToPublish(
  { user, cwd }: Pick<Context, 'user' | 'cwd'>,
  { refs }: Pick<TreeConfig, 'refs'>,
  given: { readonly environment: string | undefined; readonly options: PublishOptions },
): Wanted {
  const { ref, workingTree = false, directory } = given.options;
  if (workingTree && ref !== undefined) throw usage('give either --ref or --working-tree');
  const environment = given.environment ?? (workingTree ? ownEnvironment(user) : undefined);
  const known = [...refs.keys()].join(', ') || 'none';
  if (environment === undefined) throw usage(`no environment given; miyamoto.yaml has ${known}`);
  if (!EnvironmentName.safeParse(environment).success) {
    throw usage(`environment ${JSON.stringify(environment)}: expected letters, digits and "_"`);
  }
  if (directory !== undefined) {
    if (workingTree || ref !== undefined)
      throw usage('--directory replaces --ref and --working-tree');
    return { environment, ref: undefined, deployed: resolve(cwd, directory) };
  }
  if (workingTree) return { environment, ref: undefined };
  const wanted = ref ?? refs.get(environment);
  if (wanted !== undefined) return { environment, ref: wanted };
  throw new CodedError(`no environment ${environment} in miyamoto.yaml; it has ${known}`, {
    code: 'ENVIRONMENT_UNKNOWN',
    next: `mm publish ${environment} --ref BRANCH`,
    details: { environment },
  });
}

/** `dev_<user>`, with the characters that Puppet allows in an environment's name. */
function ownEnvironment(user: string): string {
  return `dev_${user.toLowerCase().replace(/\W+/g, '_').slice(0, 60)}`;
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm publish --help' });
}
