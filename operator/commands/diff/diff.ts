import type { Answer, CommonOptions, Context } from '../../context.ts';
import { withTemporaryDirectory } from '../../files/temporary-directory.ts';
import { type OpenTree, withRepository, withTree } from '../../open-tree.ts';
import { diffAnswer } from '../../preview/diff-answer.ts';
import { type HostOptions, hostWish } from '../../preview/host-options.ts';
import { hasBrokenHosts, previewLines } from '../../preview/lines.ts';
import {
  newDirectory,
  type Reading,
  releasePlace,
  releaseSide,
  sourceSide,
} from '../../preview/sides/read-sides.ts';
import type { Side } from '../../preview/sides/side.ts';
import { Spool } from '../../release/tree/spool.ts';
import { sourceNotices } from '../publish/notices.ts';
import {
  type DiffOperands,
  environmentsIn,
  type NamedSide,
  type NamedSides,
  nameSides,
} from './name-sides.ts';

export interface DiffOptions extends CommonOptions, HostOptions {
  readonly workingTree?: boolean | undefined;
}

/**
 * `mm diff`: what differs between two releases, or between a release and a git ref. It reads the
 * bucket and changes nothing.
 */
export async function diff(
  context: Context,
  names: Omit<DiffOperands, 'workingTree'>,
  options: DiffOptions,
): Promise<Answer> {
  const operands = { ...names, workingTree: options.workingTree };
  return await withTree(context, options, async (tree) => {
    const { config } = tree;
    const environments = environmentsIn(operands, config);
    const named = await withRepository(context, tree, { environments }, async ({ repository }) =>
      nameSides(operands, { context, config, repository, verified: await repository.read() }),
    );
    return await withTemporaryDirectory('diff', (directory) =>
      compare(context, tree, { named, options, directory }),
    );
  });
}

async function compare(
  context: Context,
  tree: OpenTree,
  wanted: {
    readonly named: NamedSides;
    readonly options: DiffOptions;
    readonly directory: string;
  },
): Promise<Answer> {
  const { named, options, directory } = wanted;
  const { environment } = named;
  const read = async (side: NamedSide, name: string, spool: Spool) =>
    await readSide(context, tree, side, { spool, directory: await newDirectory(directory, name) });
  await using places = new AsyncDisposableStack();
  const spoolIn = async (name: string) =>
    places.use(new Spool(await newDirectory(directory, name)));
  const before = await read(named.before, 'before', await spoolIn('spool-before'));
  const after = await read(named.after, 'after', await spoolIn('spool-after'));
  const document = await diffAnswer(context, tree, {
    ...{ environment, before, after, directory, wish: hostWish(options) },
  });
  return {
    document,
    lines: previewLines(document),
    exitCode: hasBrokenHosts(document) ? 1 : undefined,
  };
}

async function readSide(
  context: Context,
  tree: OpenTree,
  side: NamedSide,
  reading: Reading,
): Promise<Side> {
  if (side.kind === 'release') {
    return await releaseSide(releasePlace(context, tree), side, reading);
  }
  const read = await sourceSide(context, tree.config, side.wanted, reading);
  for (const line of sourceNotices(read.source)) context.notice(line);
  return read.side;
}
