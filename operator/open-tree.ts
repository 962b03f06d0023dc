import { cp, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Bucket } from '../bucket/bucket.ts';
import { plainHttpEndpoint } from '../bucket/s3/plain-http.ts';
import { CodedError } from '../shared/coded-error.ts';
import { requireOwn } from '../shared/owned-path.ts';
import { loadConfig, selectTree, type TreeConfig } from './config.ts';
import type { CommonOptions, Context, SigningOptions } from './context.ts';
import { withTemporaryDirectory } from './files/temporary-directory.ts';
import { type Keyring, openKeyring } from './keys/keyring.ts';
import { type PassphraseSource, passphraseSource } from './keys/passphrase.ts';
import { openRepository } from './repository/open-repository.ts';
import type { Repository, RepositoryOptions } from './repository/repository.ts';
import { makeStateDirectory, withStateLock } from './repository/state-lock.ts';

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
  const { cwd, home } = context;
  const loaded = await loadConfig({ cwd, home, path: options.config });
  context.setLogFormat(loaded.config.log.format);
  const config = selectTree(loaded, { home, tree: options.tree });
  const bucket = context.openBucket(config.bucket, config.s3);
  const plain = plainHttpEndpoint(config.s3, context.env);
  if (plain !== undefined) {
    context.notice(`${plain} is plain HTTP: everybody on the way can read and change what is sent`);
  }
  try {
    return await work({ config, bucket });
  } finally {
    bucket.close();
  }
}

export interface RepositoryWork {
  readonly repository: Repository;
  /** For what needs to look at the bucket in other ways than the repository does. */
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
  },
  work: (opened: RepositoryWork) => Promise<T>,
): Promise<T> {
  const { environments, signing } = needs;
  const root = await readRoot(config);
  const keyring = await keyringFor(context, config, signing);
  const withState = signing?.noop === true ? withStateCopy : withKeptState;
  return await withState(config, async (stateDirectory) => {
    const options: RepositoryOptions = {
      bucket,
      tree: config.tree,
      treeId: config.id,
      root,
      stateDirectory,
      environments,
      keyring,
      mode: config.mode,
      now: () => context.now(),
      notice: (line) => context.notice(line),
    };
    return await work({ repository: openRepository(options), options });
  });
}

type StateWork<T> = (directory: string) => Promise<T>;

/** Runs the work on what this publisher has seen so far, which it may add to. Throws LOCKED. */
export async function withKeptState<T>(config: TreeConfig, work: StateWork<T>): Promise<T> {
  const { stateDirectory } = config;
  requireOwn(stateDirectory, 'the kept state');
  await makeStateDirectory(dirname(stateDirectory));
  return await withStateLock(stateDirectory, () => work(join(stateDirectory, 'trust')));
}

/** The same for who must not write a thing. */
async function withStateCopy<T>(config: TreeConfig, work: StateWork<T>): Promise<T> {
  return await withTemporaryDirectory('state', async (directory) => {
    const kept = join(config.stateDirectory, 'trust');
    requireOwn(kept, 'the kept state');
    await cp(kept, directory, { recursive: true, verbatimSymlinks: true }).catch(ifMissing);
    return await work(directory);
  });
}

function ifMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

async function keyringFor(
  context: Context,
  config: TreeConfig,
  signing: SigningOptions | undefined,
): Promise<Keyring> {
  if (signing === undefined) return { place: 'this command', signers: [] };
  return await openKeyring(
    keysDirectory(context, config, signing),
    passphraseFor(context, signing),
    context.env,
  );
}

/** Where the tree's keys lie: below its id in `--keys`, or in `keys:` of the configuration. */
export function keysDirectory(
  context: Context,
  config: TreeConfig,
  signing: SigningOptions,
): string {
  return signing.keys === undefined
    ? config.keysDirectory
    : join(resolve(context.cwd, signing.keys), config.id);
}

export function passphraseFor(context: Context, signing: SigningOptions): PassphraseSource {
  return passphraseSource({ ...givenPassphrase(context, signing), ask: context.ask });
}

/** Where a passphrase lies, if anybody said. */
export function givenPassphrase(
  { cwd, env }: Context,
  { passphraseFile, passphraseFd }: SigningOptions,
): { readonly file?: string | undefined; readonly fd?: number | undefined } {
  if (passphraseFile !== undefined) return { file: resolve(cwd, passphraseFile) };
  if (passphraseFd !== undefined) return { fd: passphraseFd };
  const file = env['MM_KEY_PASSPHRASE_FILE'];
  return file === undefined || file === '' ? {} : { file: resolve(cwd, file) };
}

async function readRoot({ rootFile, tree }: TreeConfig): Promise<Buffer> {
  requireOwn(rootFile, 'the trust root');
  try {
    return await readFile(rootFile);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError(`no trust root for tree ${tree}: ${why}`, {
      code: 'ROOT_MISSING',
      cause,
      next: `copy it to ${rootFile}, from whoever ran mm init or from /etc/miyamoto/root.json of a host that you trust`,
    });
  }
}
