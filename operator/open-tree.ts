import { dirname, join, resolve } from 'node:path';
import type { Bucket } from '../bucket/bucket.ts';
import { plainHttpEndpoint } from '../bucket/s3/effective-settings.ts';
import { CodedError } from '../shared/coded-error.ts';
import { fileProblem } from '../shared/file-problem.ts';
import { readNamed } from '../shared/files.ts';
import { requireOwn } from '../shared/owned-path.ts';
import { copyKept } from '../trust/kept/trust-directory.ts';
import { MAX_FILE_BYTES } from '../trust/metadata/file-limits.ts';
import { loadConfig, selectTree, type TreeConfig } from './config.ts';
import type { CommonOptions, Context, SigningOptions } from './context.ts';
import { type LockOptions, withLock } from './files/lock.ts';
import { withTemporaryDirectory } from './files/temporary-directory.ts';
import { type PassphraseSource, passphraseSource } from './keys/file/passphrase.ts';
import { type Keyring, openKeyring } from './keys/keyring.ts';
import { openRepository } from './repository/open-repository.ts';
import type { Repository, RepositoryOptions } from './repository/repository.ts';
import { makeStateDirectory } from './repository/state-directory.ts';

/** A tree that commands read or write. */
export interface OpenTree {
  readonly config: TreeConfig;
  readonly bucket: Bucket;
}

/** Opens the tree that the options name, and closes it after the work. Throws CONFIG_*, USAGE. */
export async function withTree<T>(
  context: Context,
  options: CommonOptions,
  work: (tree: OpenTree) => Promise<T>,
): Promise<T> {
  const config = await loadTree(context, options);
  const bucket = await context.openBucket(config.bucket, config.s3);
  const plain = await plainHttpEndpoint(config.s3, context.env);
  if (plain !== undefined) {
    context.notice(`${plain} is plain HTTP: anyone on the path can read and change what is sent`);
  }
  try {
    return await work({ config, bucket });
  } finally {
    bucket.close();
  }
}

/** The configuration of the tree that the options name. Throws CONFIG_*, USAGE. */
export async function loadTree(context: Context, options: CommonOptions): Promise<TreeConfig> {
  const { cwd, home } = context;
  const loaded = await loadConfig({ cwd, home, path: options.config });
  context.setLogFormat(loaded.config.log.format);
  return selectTree(loaded, { home, tree: options.tree });
}

export interface RepositoryWork {
  readonly repository: Repository;
  /** For requests that the repository does not make. */
  readonly options: RepositoryOptions;
}

/**
 * The signed metadata of a tree, with the kept state locked. Without `signing` nothing can be
 * signed. Throws ROOT_MISSING, KEY_INVALID, LOCKED.
 */
export async function withRepository<T>(
  context: Context,
  { config, bucket }: OpenTree,
  needs: {
    readonly environments: RepositoryOptions['environments'];
    readonly signing?: SigningOptions;
    readonly trustBucket?: boolean | undefined;
  },
  work: (opened: RepositoryWork) => Promise<T>,
): Promise<T> {
  const { environments, signing, trustBucket } = needs;
  const root = await readRoot(config);
  const keyring =
    signing === undefined
      ? { place: 'this command', signers: [] }
      : await openKeys(context, config, signing);
  const withState: typeof withKeptState = signing?.noop === true ? withStateCopy : withKeptState;
  const onWait = (line: string) => context.notice(line);
  const run = async (stateDirectory: string) => {
    const options: RepositoryOptions = {
      bucket,
      tree: config.tree,
      treeId: config.id,
      root,
      stateDirectory,
      trustBucket,
      environments,
      keyring,
      mode: config.mode,
      now: () => context.now(),
      notice: (line) => context.notice(line),
      showProgress: context.showProgress,
    };
    return await work({ repository: openRepository(options), options });
  };
  return await withState(config, run, onWait);
}

type StateWork<T> = (directory: string) => Promise<T>;

/** Runs the work with the lock of the kept state, which the work may extend. Throws LOCKED. */
export async function withKeptState<T>(
  config: TreeConfig,
  work: StateWork<T>,
  onWait?: LockOptions['onWait'],
): Promise<T> {
  const { stateDirectory } = config;
  requireOwn(stateDirectory, 'the kept state');
  await makeStateDirectory(dirname(stateDirectory));
  return await withLock(stateDirectory, () => work(join(stateDirectory, 'trust')), { onWait });
}

/** The same for a user who must not write any file. */
async function withStateCopy<T>(config: TreeConfig, work: StateWork<T>): Promise<T> {
  return await withTemporaryDirectory('state', async (directory) => {
    const kept = join(config.stateDirectory, 'trust');
    requireOwn(kept, 'the kept state');
    copyKept(kept, directory);
    return await work(directory);
  });
}

/** The keys of this machine, without unlocking one. Throws KEY_INVALID, FILE_UNSAFE. */
export async function openKeys(
  context: Context,
  config: TreeConfig,
  signing: SigningOptions,
): Promise<Keyring> {
  return await openKeyring(
    keysDirectory(context, config, signing),
    passphraseFor(context, signing),
    context.env,
  );
}

/**
 * The directory of the tree's keys: below its id in `--keys`, or in `keys:` of the configuration.
 */
export function keysDirectory(
  context: Context,
  config: TreeConfig,
  signing: SigningOptions,
): string {
  return signing.keys === undefined
    ? config.keysDirectory
    : join(resolve(context.cwd, signing.keys), config.id);
}

/**
 * Where to get the passphrase of the keys: from the place that an option or a variable names, or
 * from a person.
 */
export function passphraseFor(context: Context, signing: SigningOptions): PassphraseSource {
  return passphraseSource({ ...givenPassphrase(context, signing), ask: context.ask });
}

/** Where the passphrase is, when an option or a variable names a place. */
export function givenPassphrase(
  { cwd, env }: Context,
  { passphraseFile, passphraseFd }: SigningOptions,
): { readonly file?: string | undefined; readonly fd?: number | undefined } {
  if (passphraseFile !== undefined) return { file: resolve(cwd, passphraseFile) };
  if (passphraseFd !== undefined) return { fd: passphraseFd };
  const file = env['MM_KEY_PASSPHRASE_FILE'];
  return file === undefined || file === '' ? {} : { file: resolve(cwd, file) };
}

function readRoot({ rootFile, tree }: TreeConfig): Buffer {
  requireOwn(rootFile, 'the trust root');
  try {
    return readNamed(rootFile, MAX_FILE_BYTES.root);
  } catch (cause) {
    const { why } = fileProblem(rootFile, cause);
    throw new CodedError(`no trust root for tree ${tree}: ${why}`, {
      code: 'ROOT_MISSING',
      cause,
      next: `copy it to ${rootFile}, from the person who ran mm init or from /etc/miyamoto/root.json of a host that you trust`,
    });
  }
}
