import { CodedError } from '../../../shared/coded-error.ts';
import type { Context } from '../../context.ts';
import type { DiffAnswer } from '../../diff-answer.ts';
import { withTemporaryDirectory } from '../../files/temporary-directory.ts';
import type { OpenTree } from '../../open-tree.ts';
import { diffAnswer } from '../../preview/diff-answer.ts';
import { hasHosts, hostWish } from '../../preview/host-options.ts';
import { hasNewlyBrokenHosts, previewLines } from '../../preview/lines.ts';
import {
  newDirectory,
  releasePlace,
  releaseSide,
  sideOfSource,
} from '../../preview/sides/read-sides.ts';
import type { Source } from '../../release/source/read-source.ts';
import { Spool } from '../../release/tree/spool.ts';
import type { Question } from '../confirm.ts';
import type { PublishPlan } from './plan.ts';
import type { PublishOptions } from './what-to-publish.ts';

/** Throws USAGE for options that need `--preview`. */
export function assertPreviewOptions(options: PublishOptions): void {
  if (options.preview === true || !(hasHosts(options) || options.yes === true)) return;
  throw new CodedError('--catalog, --sample, --group and --yes need --preview', {
    code: 'USAGE',
    next: 'mm publish --help',
  });
}

/**
 * Compares the release that hosts have with the one that is to be published. Throws what `mm diff`
 * throws.
 */
export async function previewPublication(
  context: Context,
  tree: OpenTree,
  wanted: {
    readonly environment: string;
    readonly source: Source;
    readonly options: PublishOptions;
    readonly previous: PublishPlan['previous'];
  },
): Promise<DiffAnswer> {
  const { environment, source, options, previous } = wanted;
  return await withTemporaryDirectory('preview', async (directory) => {
    using spool = new Spool(directory);
    const place = releasePlace(context, tree);
    const reading = { spool, directory: await newDirectory(directory, 'before') };
    const before = await releaseSide(place, { environment, release: previous }, reading);
    const after = sideOfSource(source);
    const wish = hostWish(options);
    return await diffAnswer(context, tree, { environment, before, after, wish, directory });
  });
}

/**
 * The part of the question about the preview. When the command does not ask, the preview itself is
 * shown. With `--yes` it throws RELEASE_INVALID when a host that has a catalog now would lose it:
 * only a person can agree to that.
 */
export function previewQuestion(
  context: Context,
  shown: DiffAnswer,
  { yes = false, noop = false }: PublishOptions,
): Pick<Question, 'lines' | 'yes'> {
  const lines = previewLines(shown);
  if (!yes && !noop) return { lines, yes };
  for (const line of lines) (context.show ?? context.notice)(line);
  if (noop || !hasNewlyBrokenHosts(shown)) return { lines: [], yes };
  throw new CodedError('not published: hosts that compile now would have no catalog', {
    code: 'RELEASE_INVALID',
    next: 'correct what the preview names; a person can agree to it without --yes',
  });
}
