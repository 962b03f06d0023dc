import type { BinariesListAnswer } from '../../binaries-answers.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { listedBinaries } from '../../metadata/binaries.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import { table } from '../../table.ts';
import { sizeText } from '../size-text.ts';

/** `mm binaries list`: what the signed metadata names. */
export async function listBinaries(context: Context, options: CommonOptions): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    return await withRepository(context, tree, { environments: 'all' }, async ({ repository }) => {
      const binaries = listedBinaries(await repository.read());
      const document: BinariesListAnswer = {
        ...{ schemaVersion: 1, bucket: tree.bucket.name, tree: tree.config.tree },
        binaries: binaries.map(({ name, sha256, length, custom: { at, by, reason } }) => {
          return { name, sha256, length, at, by, reason };
        }),
      };
      return { document, lines: linesOf(document) };
    });
  });
}

function linesOf({ binaries }: BinariesListAnswer): string[] {
  if (binaries.length === 0) return ['no binaries; add one with: mm binaries put FILE'];
  return table([
    ['name', 'size', 'sha256', 'signed', 'by', 'reason'],
    ...binaries.map(({ name, length, sha256, at, by, reason }) => [
      name,
      sizeText(length),
      sha256,
      at,
      by,
      reason,
    ]),
  ]);
}
