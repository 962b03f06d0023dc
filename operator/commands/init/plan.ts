import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { accessPointOf } from '../../../bucket/s3/access-point.ts';
import { defaultRegion } from '../../../bucket/s3/sdk/client.ts';
import type { S3Settings } from '../../../bucket/s3/settings.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import {
  CONFIG_FILE,
  DEFAULT_KEYS,
  findConfig,
  type LoadedConfig,
  OperatorConfig,
  parseOptions,
  selectTree,
  type TreeConfig,
} from '../../config.ts';
import type { Context, SigningOptions } from '../../context.ts';
import { branchesOf } from '../../release/source/branches.ts';
import { type GitPlace, gitAnswer } from '../../release/source/git.ts';

export interface InitOptions extends SigningOptions {
  readonly bucket?: string | undefined;
  readonly id?: string | undefined;
  /** `stable=main`. */
  readonly environment?: readonly string[] | undefined;
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly repository?: string | undefined;
  /**
   * True: ask for a passphrase for both keys. False: use no passphrase. Undefined: on a terminal
   * ask for the safe key only.
   */
  readonly passphrase?: boolean | undefined;
  readonly createBucket?: boolean | undefined;
  /** `config.json` of the original Miyamoto. */
  readonly from?: string | undefined;
  /** Undefined: the name of the tree decides. */
  readonly ignoresCase?: boolean | undefined;
}

export interface InitPlan {
  readonly config: TreeConfig;
  readonly configFile: string;
  /** Undefined: the file exists already. */
  readonly configText: string | undefined;
}

const DEFAULT_BRANCH = 'main';
const TESTING = 'testing=testing';

/**
 * What `mm init` must create: as the configuration file says if it exists, otherwise as the options
 * say, which then become the file. Throws USAGE, CONFIG_INVALID.
 */
export async function planInit(context: Context, options: InitOptions): Promise<InitPlan> {
  const { cwd, home } = context;
  const found = await findConfig({ cwd, home, path: options.config });
  if (found !== undefined) return await planByFile(found, context, options);
  const configFile = resolve(cwd, options.config ?? CONFIG_FILE);
  const configText = await newConfig(options, context);
  const config = parseOptions(configText, OperatorConfig, 'mm init');
  const tree = selectTree({ path: configFile, config }, { home, tree: options.tree });
  return { config: tree, configFile, configText };
}

/** The file belongs to the operator: mm reads it and never changes it. */
async function planByFile(
  found: LoadedConfig,
  context: Context,
  options: InitOptions,
): Promise<InitPlan> {
  const { bucket, tree, id, endpoint, region } = options;
  const { trees } = found.config;
  if (tree !== undefined && !Object.hasOwn(trees, tree)) {
    const text = stringify({
      trees: { [tree]: await treeText(options, found.config.bucket, context) },
    });
    throw new CodedError(
      [`${found.path} has no tree ${tree}; add to it:`, ...text.trimEnd().split('\n')],
      { code: 'USAGE', next: `then run: mm init --tree ${tree}` },
    );
  }
  const config = selectTree(found, { home: context.home, tree });
  const { s3 } = config;
  const there = { bucket: config.bucket, id: config.id, endpoint: s3.endpoint, region: s3.region };
  const given = { bucket, id, endpoint, region };
  for (const name of ['bucket', 'id', 'endpoint', 'region'] as const) {
    const says = there[name];
    if (given[name] !== undefined && says !== undefined && given[name] !== says) {
      throw usage(`--${name} ${given[name]}, but ${found.path} says ${says}`);
    }
  }
  for (const pair of options.environment ?? []) {
    const [name = '', ref] = pair.split(/=(.*)/s);
    const says = config.refs.get(name);
    if (says === ref) continue;
    throw usage(`environment ${pair}, but ${found.path} says ${says ?? 'nothing of it'}`);
  }
  if (options.ignoresCase === true && !config.ignoresCase) {
    throw usage(`os_target osx, but ${found.path} has no ignores_case: true`);
  }
  const used = await usedRegion({ ...options, bucket: config.bucket, tree: config.tree }, s3);
  const withRegion = { ...config, s3: { ...s3, region: used } };
  return { config: withRegion, configFile: found.path, configText: undefined };
}

async function newConfig(
  options: InitOptions,
  context: Pick<Context, 'home' | 'cwd' | 'env'>,
): Promise<string> {
  const { home, cwd } = context;
  const { bucket, tree, endpoint, repository, keys } = options;
  if (bucket === undefined || tree === undefined) {
    throw usage(
      'wanted --bucket and --tree, for example --bucket puppet.example.com --tree ubuntu',
    );
  }
  const s3 = {
    ...(endpoint !== undefined && { endpoint }),
    region: await usedRegion(options, {}),
  };
  return stringify({
    bucket,
    s3,
    ...(repository !== undefined && { repository }),
    keys: keys === undefined ? DEFAULT_KEYS : resolve(cwd, keys).replace(`${home}/`, '~/'),
    trees: { [tree]: await treeText(options, bucket, context) },
  });
}

/** `main`, or the current branch of a repository that has no `main`. */
async function firstBranch(place: GitPlace): Promise<string> {
  const branches = await branchesOf(place).catch(() => []);
  if (branches.length === 0 || branches.some(({ name }) => name === DEFAULT_BRANCH)) {
    return DEFAULT_BRANCH;
  }
  return (await gitAnswer(place, ['symbolic-ref', '--short', 'HEAD'])) ?? DEFAULT_BRANCH;
}

/**
 * The region of the file, of `--region`, or of this user's environment. Hosts do not have that
 * environment, so mm always writes the region into their configuration. Throws USAGE when no region
 * is set.
 */
async function usedRegion(
  { bucket, tree, region: given }: InitOptions,
  s3: Partial<S3Settings>,
): Promise<string> {
  const region =
    s3.region ?? given ?? accessPointOf(bucket ?? '')?.region ?? (await defaultRegion(s3.profile));
  if (region !== undefined) return region;
  throw new CodedError('wanted a region: --region, AWS_REGION, or region in ~/.aws/config', {
    code: 'USAGE',
    next: `mm init --bucket ${bucket} --tree ${tree} --region eu-central-1; most stores other than AWS accept us-east-1`,
  });
}

async function treeText(
  { id, tree, environment, repository = '.', ignoresCase = isOfMacs(tree) }: InitOptions,
  bucket: string,
  { cwd, env }: Pick<Context, 'cwd' | 'env'>,
): Promise<object> {
  const pairs =
    environment === undefined || environment.length === 0
      ? [`stable=${await firstBranch({ directory: resolve(cwd, repository), env })}`, TESTING]
      : environment;
  const environments = pairs.map((pair) => {
    const [name = '', ref] = pair.split(/=(.*)/s);
    if (name !== '' && ref !== undefined && ref !== '') return [name, { ref }] as const;
    throw usage(`--environment ${pair}: wanted <environment>=<git ref>, for example stable=main`);
  });
  return {
    id: id ?? `${accessPointOf(bucket)?.name ?? bucket}/${tree}`,
    ...(ignoresCase && { ignores_case: true }),
    environments: Object.fromEntries(environments),
  };
}

function isOfMacs(tree: string | undefined): boolean {
  return /^(osx|macos|mac|darwin)(-|$)/.test(tree ?? '');
}

/** The files of the two keys. */
export function keyPaths(directory: string): { readonly operator: string; readonly safe: string } {
  return { operator: join(directory, 'operator.json'), safe: join(directory, 'safe.json') };
}

/** The content of /etc/miyamoto/agent.yaml on a host of that tree. */
export function agentConfig({ bucket, tree, refs, s3 }: TreeConfig): string {
  const [environment = 'stable'] = refs.keys();
  const { endpoint, region } = s3;
  return stringify({
    bucket,
    tree,
    environment,
    s3: { ...(endpoint !== undefined && { endpoint }), region },
  });
}

function usage(message: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next: 'mm init --help' });
}
