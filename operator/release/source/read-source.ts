import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type EnvironmentConf,
  moduleDirectories,
  parseEnvironmentConf,
} from '../../../bucket/documents/environment-conf.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { orUndefined, readNamed } from '../../../shared/files.ts';
import { jsonObject, parseJson } from '../../../shared/json.ts';
import { agreement, checkoutMark } from '../../files/checked-out.ts';
import { addModules } from '../modules/add-modules.ts';
import { billOfMaterials } from '../modules/bill-of-materials.ts';
import { unseenModules } from '../modules/unseen-modules.ts';
import { ExcludeRules, IGNORE_FILE } from '../tree/exclude.ts';
import { headOf } from '../tree/head.ts';
import { readRules } from '../tree/rule-file.ts';
import type { Spool } from '../tree/spool.ts';
import type { SourceTree } from '../tree/tree.ts';
import { type Checkout, type LeftOut, TreeBuilder } from '../tree/tree-builder.ts';
import { addDirectory } from '../tree/walk.ts';
import { exportCommit, findCommit, peekCommit } from './export-ref.ts';
import type { GitPlace } from './git.ts';
import { outsideWarnings } from './outside-warnings.ts';
import type { PublishSettings } from './publish-settings.ts';
import { notOnRef, refWarnings } from './ref-warnings.ts';
import { readWorkTree } from './work-tree.ts';

const CONF = 'environment.conf';

export interface SourceRequest {
  readonly place: GitPlace;
  /** Undefined: the work tree. */
  readonly ref: string | undefined;
  /** Somebody else says that `ref` is this commit. Read exactly it, and run nothing of it. */
  readonly commit?: string | undefined;
  /** A directory that `r10k deploy` or g10k deployed, instead of a ref or the work tree. */
  readonly deployed?: string | undefined;
  readonly settings: Pick<PublishSettings, 'exclude' | 'filters' | 'modules' | 'r10k_config'>;
  /** Installed modules are kept there between publications, unless `commit` is given. */
  readonly cacheDirectory: string;
  /** Receives the contents of all files. */
  readonly spool: Spool;
  /** Temporary. */
  readonly directory: string;
}

/** An environment as it was read, with what the operator should know about it. */
export interface Source {
  readonly tree: SourceTree;
  readonly conf: EnvironmentConf;
  readonly leftOut: readonly LeftOut[];
  /** Paths of a work tree that git ignores and that are not published. */
  readonly gitIgnored: readonly string[];
  readonly checkouts: readonly Checkout[];
  /** Warnings about the ref and the files. */
  readonly warnings: readonly string[];
}

/** Reads the source of a release. Throws GIT_FAILED, ARCHIVE_*, RELEASE_INVALID. */
export async function readSource(request: SourceRequest): Promise<Source> {
  if (request.deployed !== undefined) return await readDeployed(request, request.deployed);
  if (request.ref !== undefined) return await readRef(request, request.ref);
  return await readDirectoryOfWork(request);
}

async function readRef(request: SourceRequest, ref: string): Promise<Source> {
  const { place, settings, directory } = request;
  const newDirectory = async () => await mkdtemp(join(directory, 'git-'));
  const found = await findCommit(place, { ref, commit: request.commit }, await newDirectory());
  const { committedAt, files } = await peekCommit(found, [CONF, IGNORE_FILE]);
  const { builder, conf } = open(request, (path) => files.get(path));
  await exportCommit(found, { builder, filters: settings.filters, newDirectory });
  const origin = { commit: found.commit, ref, committedAt };
  const warnings =
    request.commit === undefined ? await refWarnings(found, ref) : await notOnRef(found, ref);
  return await sourceOf(request, builder, { conf, origin, gitIgnored: [], warnings });
}

async function readDirectoryOfWork(request: SourceRequest): Promise<Source> {
  const { place, settings } = request;
  const { builder, conf } = open(request, (path) => readRules(join(place.directory, path)));
  const options = { filters: settings.filters, moduleDirectories: moduleDirectories(conf) };
  const gitIgnored = await readWorkTree(place, builder, options);
  const origin = { commit: null, ref: null, committedAt: null };
  return await sourceOf(request, builder, { conf, origin, gitIgnored });
}

/** Throws USAGE when the directory is missing. */
async function readDeployed(request: SourceRequest, directory: string): Promise<Source> {
  const { builder, conf } = open(request, (path) => readRules(join(directory, path)));
  if (!existsSync(directory)) {
    throw new CodedError(`--directory: there is no ${directory}`, {
      code: 'USAGE',
      next: 'r10k deploy environment ENVIRONMENT -m; then give the directory that it made',
    });
  }
  addDirectory(builder, directory, '', 'everything');
  const origin = { commit: deployedCommit(directory), ref: null, committedAt: null };
  return await sourceOf(request, builder, { conf, origin, gitIgnored: [] });
}

/**
 * What to do when a Puppetfile that somebody else chose has code. Undefined: the files are the
 * user's own.
 */
function nextForForeignCode({ place, commit, deployed }: SourceRequest): string | undefined {
  if (commit !== undefined) {
    return 'read the Puppetfile of the commit; mm root sign FILE --no-rebuild signs without comparing';
  }
  const mark = checkoutMark(deployed ?? place.directory);
  return mark && agreement(mark);
}

/** A name that a Puppetfile can have in quotes, and that is not a commit. */
function branchOf(ref: string | null): string | undefined {
  if (ref === null || ref === 'HEAD' || /^[0-9a-f]{40,64}$/.test(ref)) return undefined;
  return /^(?!-)[\w./+@-]+$/.test(ref) ? ref.replace('refs/heads/', '') : undefined;
}

/** `.r10k-deploy.json` names the commit; g10k writes the same in `.g10k-deploy.json`. */
function deployedCommit(directory: string): string | null {
  for (const name of ['.r10k-deploy.json', '.g10k-deploy.json']) {
    const text = orUndefined(() => readNamed(join(directory, name), MAX_DEPLOYED_BYTES));
    const { signature } = jsonObject(parseJson(text));
    if (typeof signature === 'string' && /^[0-9a-f]{40,64}$/.test(signature)) return signature;
  }
  return headOf(directory).commit;
}

const MAX_DEPLOYED_BYTES = 1024 ** 2;

/** environment.conf and .mmignore decide what is read, so they are read first. */
function open(
  { settings, spool }: SourceRequest,
  peek: (path: string) => string | undefined,
): { readonly builder: TreeBuilder; readonly conf: EnvironmentConf } {
  const conf = parseEnvironmentConf(peek(CONF) ?? '');
  const rules = new ExcludeRules({
    moduleDirectories: moduleDirectories(conf),
    ignoreFile: peek(IGNORE_FILE) ?? '',
    configured: settings.exclude,
  });
  return { builder: new TreeBuilder(spool, rules), conf };
}

async function sourceOf(
  request: SourceRequest,
  builder: TreeBuilder,
  more: Pick<Source, 'conf' | 'gitIgnored'> & {
    readonly warnings?: readonly string[];
    readonly origin: Pick<SourceTree, 'commit' | 'ref' | 'committedAt'>;
  },
): Promise<Source> {
  const { settings, cacheDirectory, place, directory } = request;
  const { conf, gitIgnored, origin, warnings = [] } = more;
  const directories = moduleDirectories(conf);
  const ifForeignCode = nextForForeignCode(request);
  const isOwnCode = ifForeignCode === undefined;
  await addModules(builder, {
    installer: settings.modules,
    ifForeignCode,
    moduleDirectories: directories,
    branch: branchOf(origin.ref),
    // Modules of an earlier Puppetfile could otherwise replace those that this one names.
    cacheDirectory: isOwnCode ? cacheDirectory : join(directory, 'modules'),
    r10kConfig: settings.r10k_config,
    env: place.env,
  });
  const { entries, emptySubmodules, withheld, leftOut, checkouts } = builder;
  const modules = billOfMaterials(entries, checkouts, directories);
  const tree = { entries, emptySubmodules, withheld, modules, ...origin };
  const all = [...warnings, ...outsideWarnings(entries, conf), ...unseenModules(entries, conf)];
  return { tree, conf, leftOut, gitIgnored, checkouts, warnings: all };
}
