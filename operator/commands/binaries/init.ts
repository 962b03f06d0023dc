import { CodedError } from '../../../shared/coded-error.ts';
import { BINARIES_ROLE, BINARY_PATHS } from '../../../trust/metadata/role-names.ts';
import type { BinariesInitAnswer } from '../../binaries-answers.ts';
import type { Planned } from '../../commit/commit.ts';
import type { Answer, Context, SigningOptions } from '../../context.ts';
import { binariesRole } from '../../metadata/binaries.ts';
import { isDevEnvironment } from '../../metadata/environment-classes.ts';
import { withNewRole } from '../../metadata/new-role.ts';
import { delegatedOffer, type VerifiedMetadata } from '../../metadata/verified.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import { type CarryOutOptions, carryOut } from '../carry-out.ts';
import { proposalLines } from '../change-keys.ts';

export interface BinariesInitOptions extends SigningOptions, CarryOutOptions {
  readonly like?: string | undefined;
}

/**
 * `mm binaries init`: delegates the role of binaries, with the keys of an environment, and adds its
 * first, empty file.
 */
export async function initBinaries(
  context: Context,
  options: BinariesInitOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const { refs, tree: name } = tree.config;
    const like = options.like ?? [...refs.keys()].find((each) => !isDevEnvironment(each));
    if (like === undefined) {
      throw new CodedError('--like is needed: there is no environment in miyamoto.yaml', {
        code: 'USAGE',
        next: 'mm binaries init --like ENVIRONMENT',
      });
    }
    const needs = { environments: [like], signing: options };
    const done = await withRepository(context, tree, needs, (opened) =>
      carryOut(context, opened, { intent: (verified) => planInit(verified, like), options }),
    );
    const { outcome, answer, objects, proposal, missing, handover } = done;
    const document: BinariesInitAnswer = {
      ...{ schemaVersion: 1, bucket: tree.bucket.name, tree: name },
      outcome: outcome === 'committed' ? 'added' : outcome,
      ...{ like: answer, objects, proposal, missing, handover },
    };
    return { document, lines: linesOf(document) };
  });
}

/** Throws ENVIRONMENT_UNKNOWN. */
function planInit(verified: VerifiedMetadata, like: string): Planned<string | null> {
  const { targets } = verified;
  if (targets === undefined || binariesRole(targets) !== undefined) {
    return { kind: 'nothing', answer: null };
  }
  const { role } = delegatedOffer(verified, like);
  const roles = withNewRole(targets, { name: BINARIES_ROLE, paths: [BINARY_PATHS], like: role });
  return { kind: 'change', change: { blobs: [], roles }, answer: like };
}

function linesOf({ outcome, like, objects, proposal, handover }: BinariesInitAnswer): string[] {
  switch (outcome) {
    case 'added':
      return [`the keys of ${like} may sign binaries now; next: mm binaries put FILE`];
    case 'proposed':
      return [
        `proposed that the keys of ${like} may sign binaries`,
        ...proposalLines({ proposal, handover }),
      ];
    case 'unchanged':
      return ['this tree has binaries already: mm key list shows who may sign them'];
    case 'noop':
      return [`would let the keys of ${like} sign binaries`, 'would write:', ...objects];
  }
}
