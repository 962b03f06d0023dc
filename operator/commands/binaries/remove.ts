import { CodedError } from '../../../shared/coded-error.ts';
import { didYouMean } from '../../../shared/suggestion.ts';
import type { BinariesRemoveAnswer } from '../../binaries-answers.ts';
import type { Planned } from '../../commit/commit.ts';
import type { Answer, Context, SigningOptions } from '../../context.ts';
import {
  editedBinaries,
  type ListedBinary,
  listedBinaries,
  requireBinariesRole,
} from '../../metadata/binaries.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import { type CarryOutOptions, carryOut, whoIs } from '../carry-out.ts';
import { proposalLines } from '../change-keys.ts';
import { KEPT_MS } from '../clean/kept.ts';
import { confirmOnce } from '../confirm.ts';
import { sizeText } from '../size-text.ts';

export interface RemoveOptions extends SigningOptions, CarryOutOptions {
  readonly yes?: boolean | undefined;
  readonly reason?: string | undefined;
}

/**
 * `mm binaries remove`: removes binaries from the signed metadata. The objects stay until `mm
 * clean` removes them, for hosts that have not seen the change. Throws BINARY_UNKNOWN.
 */
export async function removeBinaries(
  context: Context,
  names: readonly string[],
  options: RemoveOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const needs = { environments: 'all', signing: options } as const;
    const by = whoIs(context);
    const now = context.now();
    const { ask } = confirmOnce(context, { noop: options.noop });
    let isFirst = true;
    const done = await withRepository(context, tree, needs, (opened) =>
      carryOut(context, opened, {
        async intent(verified): Promise<Planned<readonly ListedBinary[]>> {
          const found = namedIn(verified, names, isFirst);
          isFirst = false;
          if (found.length === 0) return { kind: 'nothing', answer: [] };
          await ask({
            lines: found.map(lineOf),
            doubts: [],
            yes: options.yes === true,
            what: `remove ${found.length === 1 ? found[0]?.name : `${found.length} binaries`}`,
          });
          const remove = found.map(({ name }) => name);
          const { reason = '' } = options;
          const edit = { put: [], remove, by, reason, now, keptMs: KEPT_MS };
          const roles = new Map([[requireBinariesRole(verified), editedBinaries(verified, edit)]]);
          return { kind: 'change', change: { blobs: [], roles }, answer: found };
        },
        options,
      }),
    );
    const { outcome, answer, objects, proposal, missing, handover } = done;
    const document: BinariesRemoveAnswer = {
      ...{ schemaVersion: 1, bucket: tree.bucket.name, tree: tree.config.tree },
      outcome: outcome === 'committed' ? 'removed' : outcome,
      removed: answer.map(({ name, sha256, length }) => ({ name, sha256, length })),
      ...{ objects, proposal, missing, handover },
    };
    return { document, lines: linesOf(document) };
  });
}

/**
 * Returns the binaries of these names. In a later attempt a binary may be missing because the first
 * attempt succeeded and only its answer was lost.
 */
function namedIn(
  verified: VerifiedMetadata,
  names: readonly string[],
  isFirst: boolean,
): ListedBinary[] {
  const listed = listedBinaries(verified);
  for (const name of isFirst ? names : []) {
    if (listed.some((each) => each.name === name)) continue;
    const known = listed.map((each) => each.name);
    const hint = didYouMean(name, known);
    throw new CodedError(`no binary ${JSON.stringify(name)} among ${known.length}${hint}`, {
      code: 'BINARY_UNKNOWN',
      next: 'mm binaries list',
    });
  }
  return listed.filter(({ name }) => names.includes(name));
}

function lineOf({ name, length, sha256 }: Pick<ListedBinary, 'name' | 'length' | 'sha256'>) {
  return `${name}, ${sizeText(length)}, sha256 ${sha256}`;
}

function linesOf({
  outcome,
  removed,
  objects,
  proposal,
  handover,
}: BinariesRemoveAnswer): string[] {
  const lines = removed.map(lineOf);
  switch (outcome) {
    case 'removed':
      return [
        'removed:',
        ...lines,
        'the objects stay for hosts that have not seen this; mm clean removes them after 90 days',
      ];
    case 'proposed':
      return ['proposed to remove:', ...lines, ...proposalLines({ proposal, handover })];
    case 'unchanged':
      return ['nothing to remove'];
    case 'noop':
      return ['would remove:', ...lines, 'would write:', ...objects];
  }
}
