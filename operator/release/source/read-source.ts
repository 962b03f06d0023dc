import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type EnvironmentConf,
  moduleDirectories,
  parseEnvironmentConf,
} from '../../../bucket/documents/environment-conf.ts';
import { ExcludeRules, IGNORE_FILE } from '../exclude.ts';
import type { PublishSettings } from '../publish-settings.ts';
import type { Spool } from '../spool.ts';
import type { SourceTree } from '../tree.ts';
import { committedAt, exportCommit, findCommit, peekCommit } from './export-ref.ts';
import type { GitPlace } from './git.ts';
import { type Checkout, type LeftOut, TreeBuilder } from './tree-builder.ts';
import { readWorkTree } from './work-tree.ts';

const CONF = 'environment.conf';

export interface SourceRequest {
  readonly place: GitPlace;
  /** Undefined: the work tree. */
  readonly ref: string | undefined;
  readonly settings: Pick<PublishSettings, 'exclude' | 'filters'>;
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
}

/** Reads what is to be published. Throws GIT_FAILED, ARCHIVE_*, RELEASE_INVALID. */
export async function readSource(request: SourceRequest): Promise<Source> {
  return request.ref === undefined
    ? await readDirectoryOfWork(request)
    : await readRef(request, request.ref);
}

async function readRef(request: SourceRequest, ref: string): Promise<Source> {
  const { place, settings, directory } = request;
  const newDirectory = async () => await mkdtemp(join(directory, 'git-'));
  const found = await findCommit(place, ref, await newDirectory());
  const { builder, conf } = await open(request, (path) => peekCommit(found, path));
  await exportCommit(found, { builder, filters: settings.filters, newDirectory });
  const origin = { commit: found.commit, ref, committedAt: await committedAt(found) };
  return sourceOf(builder, { conf, origin, gitIgnored: [] });
}

async function readDirectoryOfWork(request: SourceRequest): Promise<Source> {
  const { place, settings } = request;
  const { builder, conf } = await open(request, async (path) => {
    return await readFile(join(place.directory, path), 'utf8').catch(() => undefined);
  });
  const options = { filters: settings.filters, moduleDirectories: moduleDirectories(conf) };
  const gitIgnored = await readWorkTree(place, builder, options);
  const origin = { commit: null, ref: null, committedAt: null };
  return sourceOf(builder, { conf, origin, gitIgnored });
}

/** environment.conf and .mmignore decide what is read, so they are read first. */
async function open(
  { settings, spool }: SourceRequest,
  peek: (path: string) => Promise<string | undefined>,
): Promise<{ readonly builder: TreeBuilder; readonly conf: EnvironmentConf }> {
  const conf = parseEnvironmentConf((await peek(CONF)) ?? '');
  const rules = new ExcludeRules({
    moduleDirectories: moduleDirectories(conf),
    ignoreFile: (await peek(IGNORE_FILE)) ?? '',
    configured: settings.exclude,
  });
  return { builder: new TreeBuilder(spool, rules), conf };
}

function sourceOf(
  { entries, emptySubmodules, withheld, leftOut, checkouts }: TreeBuilder,
  more: Pick<Source, 'conf' | 'gitIgnored'> & {
    readonly origin: Pick<SourceTree, 'commit' | 'ref' | 'committedAt'>;
  },
): Source {
  const { conf, gitIgnored, origin } = more;
  const tree = { entries, emptySubmodules, withheld, ...origin };
  return { tree, conf, leftOut, gitIgnored, checkouts };
}
