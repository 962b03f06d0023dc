import { EnvironmentName } from '../../../bucket/documents/names.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { TreeConfig } from '../../config.ts';
import type { Context, SigningOptions } from '../../context.ts';
import { assertPublishable } from '../../release/check.ts';
import { exportRef } from '../../release/export-ref.ts';
import type { SourceTree } from '../../release/tree.ts';
import { validateManifests } from '../../release/validate.ts';
import { readWorkTree } from '../../release/work-tree.ts';

export interface PublishOptions extends SigningOptions {
  readonly ref?: string | undefined;
  readonly workingTree?: boolean | undefined;
  readonly version?: string | undefined;
  readonly reason?: string | undefined;
  readonly force?: boolean | undefined;
  /** Write a proposal for others to sign. */
  readonly out?: string | undefined;
  /** False with `--no-validate`. */
  readonly validate?: boolean | undefined;
}

export interface Wanted {
  readonly environment: string;
  /** Undefined: the work tree. */
  readonly ref: string | undefined;
}

/** Which environment, and what goes into it. Throws USAGE, ENVIRONMENT_UNKNOWN. */
export function whatToPublish(
  { user }: Pick<Context, 'user'>,
  { refs }: Pick<TreeConfig, 'refs'>,
  given: { readonly environment: string | undefined; readonly options: PublishOptions },
): Wanted {
  const { ref, workingTree = false } = given.options;
  if (workingTree && ref !== undefined) throw usage('--ref and --working-tree exclude each other');
  const environment = given.environment ?? (workingTree ? ownEnvironment(user) : undefined);
  const known = [...refs.keys()].join(', ') || 'none';
  if (environment === undefined) throw usage(`wanted an environment; configured: ${known}`);
  if (!EnvironmentName.safeParse(environment).success) {
    throw usage(`environment ${JSON.stringify(environment)}: wanted letters, digits and "_"`);
  }
  if (workingTree) return { environment, ref: undefined };
  const wanted = ref ?? refs.get(environment);
  if (wanted !== undefined) return { environment, ref: wanted };
  throw new CodedError(`no environment ${environment} in miyamoto.yaml; configured: ${known}`, {
    code: 'ENVIRONMENT_UNKNOWN',
    next: `mm publish ${environment} --ref BRANCH`,
    details: { environment },
  });
}

/** `dev_<user>`, in what Puppet takes for an environment's name. */
function ownEnvironment(user: string): string {
  return `dev_${user.toLowerCase().replace(/\W+/g, '_').slice(0, 60)}`;
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm publish --help' });
}

/** Reads the tree and refuses what hosts would refuse. Throws GIT_FAILED, ARCHIVE_*, RELEASE_INVALID. */
export async function readSource(
  context: Context,
  { repository }: TreeConfig,
  { ref, options }: { readonly ref: string | undefined; readonly options: PublishOptions },
): Promise<SourceTree> {
  const place = { directory: repository, env: context.env };
  const source = ref === undefined ? await readWorkTree(place) : await exportRef(place, ref);
  assertPublishable(source);
  if (options.validate === false) {
    context.notice('manifests not parsed: --no-validate');
    return source;
  }
  const validation = await validateManifests(source, context.env);
  context.notice(
    validation.kind === 'valid'
      ? `puppet parsed ${validation.manifests} manifests`
      : `manifests not parsed: ${validation.why}`,
  );
  return source;
}
