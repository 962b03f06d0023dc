import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { NameRules } from '../../../bucket/documents/tree-rules.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import {
  type ConfigPlace,
  DEFAULT_CACHE,
  findConfig,
  loadConfig,
  selectTree,
  type TreeConfig,
} from '../../config.ts';
import type { CommonOptions, Context } from '../../context.ts';
import { assertPublishable, type CheckOptions } from '../../release/check.ts';
import { withOwnFiles } from '../../release/pack.ts';
import { PublishSettings } from '../../release/source/publish-settings.ts';
import type { Source } from '../../release/source/read-source.ts';
import type { TreeEntry } from '../../release/tree/tree.ts';
import { sourceNotices } from '../publish/notices.ts';
import type { Wanted } from '../publish/what-to-publish.ts';
import { withSource } from '../with-source.ts';

/*
 * What the commands by hand need: the files of an environment on this machine, as `mm publish`
 * would read them, and neither keys nor a bucket.
 */

/** Where the files of an environment are, and the rules for them. */
export interface LocalTree
  extends Pick<TreeConfig, 'id' | 'repository' | 'publish' | 'cacheDirectory'> {
  readonly names: NameRules;
  readonly refs: ReadonlyMap<string, string>;
  /** Undefined without a miyamoto.yaml. */
  readonly stateDirectory: string | undefined;
  readonly keysDirectory: string | undefined;
}

/**
 * Reads the nearest miyamoto.yaml. Without one, the defaults count for the current directory. With
 * several trees and no `--tree`, the files must be right for the hosts of all of them. Throws
 * CONFIG_*, USAGE.
 */
export async function localTree(
  context: Context,
  options: CommonOptions,
  owner?: ConfigPlace['owner'],
): Promise<LocalTree> {
  const { cwd, home } = context;
  const place = { cwd, home, path: options.config, owner };
  const isNamed = options.config !== undefined || options.tree !== undefined;
  const loaded = isNamed ? await loadConfig(place) : await findConfig(place);
  if (loaded === undefined) return withoutConfig(context);
  context.setLogFormat(loaded.config.log.format);
  const names = Object.keys(loaded.config.trees);
  const wanted = options.tree === undefined && names.length > 1 ? names : [options.tree];
  const trees = wanted.map((tree) => selectTree(loaded, { home, tree }));
  const [first] = trees;
  if (first === undefined) throw new TypeError('there is at least one name');
  const isPortable = trees.some(({ ignoresCase }) => ignoresCase);
  return {
    ...first,
    refs: new Map(trees.flatMap(({ refs }) => [...refs])),
    names: isPortable ? 'portable' : 'any',
  };
}

function withoutConfig({ cwd, home }: Context): LocalTree {
  return {
    id: 'local',
    repository: cwd,
    publish: PublishSettings.parse({}),
    cacheDirectory: join(home, DEFAULT_CACHE.slice('~/'.length)),
    names: 'any',
    refs: new Map(),
    stateDirectory: undefined,
    keysDirectory: undefined,
  };
}

/** Which files a command reads. Without any of them: the work tree. */
export interface WhichFiles {
  readonly ref?: string | undefined;
  readonly workingTree?: boolean | undefined;
  /** As it was typed. */
  readonly directory?: string | undefined;
}

/**
 * Decides which files to read. The environment only names the cache of its modules. Throws USAGE
 * when two of the options are given, and when the directory does not exist or is a file.
 */
export function localWanted(
  { cwd }: Pick<Context, 'cwd'>,
  { refs }: LocalTree,
  { ref, workingTree = false, directory }: WhichFiles,
): Wanted {
  const given = [ref !== undefined, workingTree, directory !== undefined].filter(Boolean);
  if (given.length > 1) {
    const option = ref === undefined ? '--working-tree' : `--ref ${shellWord(ref)}`;
    throw directory === undefined
      ? usage('give one of --ref and --working-tree', `only ${option}, or only --working-tree`)
      : usage(
          'give one of --ref, --working-tree and a directory',
          `mm validate ${shellWord(directory)}, or mm validate ${option}`,
        );
  }
  const [environment = 'by_hand'] = [...refs.keys()].filter((each) => refs.get(each) === ref);
  if (directory === undefined) return { environment, ref };
  const deployed = resolve(cwd, directory);
  const stat = statSync(deployed, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) return { environment, ref, deployed };
  if (stat !== undefined) {
    throw usage(
      `${deployed} is not a directory`,
      'mm validate DIR, with the directory of a whole environment',
    );
  }
  const named = refs.get(directory);
  const next = named === undefined ? '' : `, which is what ${directory} is published from`;
  // No ref begins so.
  if (named === undefined && /^[./~]/.test(directory)) {
    throw usage(
      `there is no directory ${deployed}`,
      'mm validate DIR, with the directory of a whole environment; without DIR it checks the work tree',
    );
  }
  throw usage(
    `there is no directory ${deployed}`,
    `mm validate --ref ${shellWord(named ?? directory)}${next}`,
  );
}

/**
 * Reads the files, checks what hosts would refuse of them, and passes them to the work. Throws
 * GIT_FAILED, ARCHIVE_*, RELEASE_INVALID.
 */
export async function withLocalSource<T>(
  context: Context,
  local: LocalTree,
  wanted: Wanted,
  work: (source: Source) => Promise<T>,
): Promise<T> {
  return await withSource(context, local, wanted, async ({ source }) => {
    for (const line of sourceNotices(source)) context.notice(line);
    assertPublishable(source.tree, rulesFor(local, source));
    return await work(source);
  });
}

/** The entries that a release of these files would have, for a run or a directory. */
export function releaseEntries({ tree }: Source, environment: string): readonly TreeEntry[] {
  return withOwnFiles(tree, { environment, version: tree.commit?.slice(0, 12) ?? 'work-tree' });
}

/** The rules for the names, links, shape and contents of these files. */
export function rulesFor({ names, publish }: LocalTree, { conf }: Source): CheckOptions {
  const { allow_private_keys: allowedPrivateKeys, links } = publish;
  return { conf, names, links, allowedPrivateKeys };
}

function usage(message: string, next: string): CodedError {
  return new CodedError(message, { code: 'USAGE', next });
}
