import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { BucketName } from '../bucket/documents/bucket-name.ts';
import { EnvironmentName, TreeName } from '../bucket/documents/names.ts';
import { S3Settings } from '../bucket/s3/settings.ts';
import { CodedError } from '../shared/coded-error.ts';
import { mergeConfigFiles, parseConfigFile } from '../shared/config/file.ts';
import { readConfigFile } from '../shared/config/source.ts';
import { requireOwn } from '../shared/owned-path.ts';
import { didYouMean, nearest } from '../shared/suggestion.ts';
import { requireNoCheckout } from './files/checked-out.ts';
import type { SigningMode } from './metadata/expiry-days.ts';
import { PublishSettings } from './release/source/publish-settings.ts';

export const CONFIG_FILE = 'miyamoto.yaml';
export const DEFAULT_KEYS = '~/.config/miyamoto/keys';
export const DEFAULT_CACHE = '~/.cache/miyamoto';
const DEFAULT_STATE = '.miyamoto';

/** Part of every signed file of a tree, so that files of another tree cannot replace it. */
export const TreeId = z
  .string()
  .max(200)
  .regex(
    /^[a-zA-Z0-9][\w.-]*(\/[a-zA-Z0-9][\w.-]*)*$/,
    'expected names separated by "/", for example "acme-prod/ubuntu"',
  )
  .meta({ example: 'acme-prod/ubuntu' });

/** A branch, tag or commit of git. */
export const Ref = z
  .string()
  .max(255)
  .regex(/^(?!-)[^\s\p{Cc}~^:?*[\\]+$/u, 'expected a branch, tag or commit, for example "main"')
  .meta({ example: 'main' });

const Tree = z.strictObject({
  id: TreeId.describe(
    'Part of every signed file. It must be unique among all trees that your hosts trust.',
  ),
  root: z
    .string()
    .min(1)
    .optional()
    .describe('The trust root. Default: `<tree>.root.json` beside this file.'),
  ignores_case: z
    .boolean()
    .default(false)
    .describe(
      'True: hosts have a file system that ignores case, as macOS has. Names that differ only in case, and backslashes in names, are then refused. `mm init --tree osx` sets it.',
    ),
  environments: z
    .record(EnvironmentName, z.strictObject({ ref: Ref.describe('Branch, tag or commit.') }))
    .describe('For each Puppet environment the git ref that `mm publish` publishes.')
    .meta({ example: '{stable: {ref: main}}' }),
});

/** `miyamoto.yaml`. Paths in it are relative to its directory; `~/` is the home directory. */
export const OperatorConfig = z.strictObject({
  bucket: BucketName.describe('The bucket, or the ARN of an S3 access point.'),
  s3: S3Settings.prefault({}),
  trees: z
    .record(TreeName, Tree)
    .describe(
      'For each prefix in the bucket the tree that is published there. `ignores_case: true` in a tree: its hosts have a file system that ignores case, as macOS has; backslashes in names, and names that differ only in case, are then refused. `mm init --tree osx` sets it.',
    )
    .meta({ example: '{ubuntu: {id: acme-prod/ubuntu, environments: {stable: {ref: main}}}}' }),
  repository: z
    .string()
    .min(1)
    .default('.')
    .describe('The git repository, or the directory in one, that holds the Puppet environment.'),
  publish: PublishSettings.prefault({}),
  keys: z
    .string()
    .min(1)
    .default(DEFAULT_KEYS)
    .describe(
      'Directory of the signing keys. The keys of a tree are in a subdirectory named by its id.',
    ),
  state: z
    .string()
    .min(1)
    .default(DEFAULT_STATE)
    .describe('Directory of the bucket state that this publisher has seen. Keep it.'),
  cache: z
    .string()
    .min(1)
    .default(DEFAULT_CACHE)
    .describe('Directory of modules that were installed for a publication. You may delete it.'),
  signing: z
    .enum(['ci', 'laptop'])
    .default('laptop')
    .describe(
      '`ci`: a job runs `mm renew` every day, and timestamps are valid for 14 days. `laptop`: for 60 days.',
    ),
  log: z
    .strictObject({
      format: z
        .enum(['text', 'json'])
        .default('text')
        .describe(
          '`json`: mm writes its messages on stderr as one JSON object per line, for a CI job.',
        ),
    })
    .prefault({}),
});
export type OperatorConfig = Readonly<z.infer<typeof OperatorConfig>>;

export interface LoadedConfig {
  readonly path: string;
  /** The parsed file. {@link selectTree} adds the defaults that depend on other values. */
  readonly config: OperatorConfig;
  /** Key path (`publish.links`) to `file:line`, for the keys that the file has. */
  readonly origins: ReadonlyMap<string, string>;
}

/** One tree of the configuration, every path absolute. */
export interface TreeConfig {
  readonly bucket: string;
  readonly s3: S3Settings;
  readonly tree: string;
  readonly id: string;
  /** Whether the file system of the hosts of this tree ignores case. */
  readonly ignoresCase: boolean;
  readonly refs: ReadonlyMap<string, string>;
  readonly rootFile: string;
  readonly repository: string;
  readonly publish: PublishSettings;
  readonly cacheDirectory: string;
  readonly keysDirectory: string;
  readonly stateDirectory: string;
  readonly mode: SigningMode;
}

/** Where to look for the file. */
export interface ConfigPlace {
  readonly cwd: string;
  readonly home: string;
  /** `--config`. */
  readonly path?: string | undefined;
  /** The user whose file it may be; by default the user of this process. Root's is always fine. */
  readonly owner?: number | undefined;
}

/**
 * Reads `--config`, or the nearest `miyamoto.yaml` in `cwd` or a parent directory; undefined when
 * there is no file.
 */
export async function findConfig(place: ConfigPlace): Promise<LoadedConfig | undefined> {
  const { cwd, path, owner } = place;
  if (path !== undefined) return await load(resolve(cwd, path), owner);
  for (let directory = resolve(cwd); ; directory = dirname(directory)) {
    const found = await load(join(directory, CONFIG_FILE), owner);
    if (found !== undefined || directory === dirname(directory)) return found;
  }
}

async function load(path: string, owner: number | undefined): Promise<LoadedConfig | undefined> {
  if (!existsSync(path)) return undefined;
  // A user who can write this file decides which keys are used, and a key can name a program that
  // mm runs.
  requireOwn(path, 'the configuration', owner);
  requireNoCheckout(path, 'mm reads no configuration of a release');
  const text = readConfigFile(path);
  if (text === undefined) return undefined;
  const { config, origins } = mergeConfigFiles([{ path, text }], OperatorConfig);
  return { path, config, origins };
}

/**
 * Like {@link findConfig}. Throws CONFIG_MISSING when there is no file, CONFIG_INVALID when it is
 * not valid.
 */
export async function loadConfig(place: ConfigPlace): Promise<LoadedConfig> {
  const found = await findConfig(place);
  if (found !== undefined) return found;
  const looked = place.path ?? `${CONFIG_FILE} in ${resolve(place.cwd)} or a parent directory`;
  throw new CodedError(`no configuration: looked for ${looked}`, {
    code: 'CONFIG_MISSING',
    next: 'mm init --bucket BUCKET --tree ubuntu, or --config FILE',
  });
}

/** The tree with that name; without a name the only one. Throws USAGE. */
export function selectTree(
  { path, config }: Pick<LoadedConfig, 'path' | 'config'>,
  { home, tree }: { readonly home: string; readonly tree: string | undefined },
): TreeConfig {
  const names = Object.keys(config.trees);
  const name = tree ?? (names.length === 1 ? names[0] : undefined);
  const chosen =
    name !== undefined && Object.hasOwn(config.trees, name) ? config.trees[name] : undefined;
  if (name === undefined || chosen === undefined) {
    const wanted =
      tree === undefined
        ? 'wanted --tree'
        : `no tree ${JSON.stringify(tree)}${didYouMean(tree, names)}`;
    throw new CodedError(`${wanted}: ${path} has ${names.join(', ') || 'none'}`, {
      code: 'USAGE',
      next: `--tree ${nearest(tree ?? '', names) ?? names[0] ?? 'NAME'}`,
    });
  }
  const at = (relative: string) => resolvePath(path, relative, home);
  return {
    bucket: config.bucket,
    s3: config.s3,
    tree: name,
    id: chosen.id,
    ignoresCase: chosen.ignores_case,
    refs: new Map(Object.entries(chosen.environments).map(([env, { ref }]) => [env, ref])),
    rootFile: at(chosen.root ?? `${name}.root.json`),
    repository: at(config.repository),
    publish: {
      ...config.publish,
      modules: withProgram(config.publish.modules, at),
      r10k_config: config.publish.r10k_config && at(config.publish.r10k_config),
    },
    cacheDirectory: at(config.cache),
    keysDirectory: join(at(config.keys), chosen.id),
    stateDirectory: join(at(config.state), name),
    mode: config.signing,
  };
}

/** A program with a "/" in its name is a path of the file, too. Other names are searched for. */
function withProgram(
  modules: OperatorConfig['publish']['modules'],
  at: (path: string) => string,
): OperatorConfig['publish']['modules'] {
  if (typeof modules !== 'object') return modules;
  const [program = '', ...args] = modules.command;
  return program.includes('/') ? { command: [at(program), ...args] } : modules;
}

/** A path of the configuration file, absolute. */
export function resolvePath(file: string, path: string, home: string): string {
  if (path === '~' || path.startsWith('~/')) return join(home, path.slice(1));
  return isAbsolute(path) ? path : join(dirname(file), path);
}

/** The user wrote no file, so a line number would mean nothing to them. */
const PLACE = /^the options:\d+: /;

/**
 * Checks what options say, written as the configuration that they become. Throws USAGE; `command`
 * has the help about them.
 */
export function parseOptions<T extends z.ZodType>(
  text: string,
  schema: T,
  command: string,
): z.infer<T> {
  try {
    return parseConfigFile(text, 'the options', schema);
  } catch (cause) {
    if (!(cause instanceof CodedError && cause.code === 'CONFIG_INVALID')) throw cause;
    const lines = cause.message.split('\n').map((line) => line.replace(PLACE, 'the options: '));
    throw new CodedError(lines, { code: 'USAGE', cause, next: `${command} --help` });
  }
}
