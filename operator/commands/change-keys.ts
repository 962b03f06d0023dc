import type { ChangeAnswer } from '../answers.ts';
import { withAffected } from '../commit/affected.ts';
import type { Change } from '../commit/change.ts';
import type { Intent } from '../commit/commit.ts';
import type { Answer, Context, SigningOptions } from '../context.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import { type OpenTree, type RepositoryWork, withRepository } from '../open-tree.ts';
import { describeChange } from '../proposals/describe-change.ts';
import { handoverLines } from '../proposals/handover.ts';
import { changeOf } from '../proposals/proposal.ts';
import { repairing } from '../repository/recovery/recovery.ts';
import { type CarriedOut, type CarryOutOptions, carryOut } from './carry-out.ts';

/* For the commands that change keys or signatures: key rotate, key revoke, renew, root commit. */

export interface RepairOptions extends SigningOptions {
  /** Files that the snapshot names, and without which a recovery may go on. */
  readonly without?: readonly string[] | undefined;
}

export interface ChangeOptions extends RepairOptions, CarryOutOptions {}

/**
 * Opens a tree for repair, even when its last rotation did not finish, or when a thief has signed
 * its online roles.
 */
export async function withRepair<T>(
  context: Context,
  tree: OpenTree,
  options: RepairOptions,
  work: (opened: RepositoryWork) => Promise<T>,
): Promise<T> {
  const needs = { environments: 'all', signing: options } as const;
  return await withRepository(context, tree, needs, (opened) =>
    work({ ...opened, repository: repairing(opened.repository, opened.options, options.without) }),
  );
}

/** A change of keys, with remarks for its author. */
export interface KeyChange extends Change {
  readonly remarks?: readonly string[] | undefined;
}

/** Undefined: nothing has to change. */
export type ChangeIntent = (
  verified: VerifiedMetadata,
) => Promise<KeyChange | undefined> | KeyChange | undefined;

/**
 * Carries out a change of keys or signatures, and signs again every role that it leaves without a
 * valid signature. The answer describes the change for people.
 */
export async function changeKeys(
  context: Context,
  opened: RepositoryWork,
  { intent, options }: { readonly intent: ChangeIntent; readonly options: CarryOutOptions },
): Promise<CarriedOut<readonly string[]>> {
  let remarks: readonly string[] = [];
  const whole: Intent<readonly string[]> = async (verified) => {
    const change = await intent(verified);
    remarks = change?.remarks ?? [];
    const all = withAffected(verified, change ?? { blobs: [], roles: new Map() });
    const isNothing = change === undefined && all.roles.size === 0;
    if (isNothing && verified.unfinishedSince === undefined) {
      if (verified.distrusted !== undefined) throw verified.distrusted;
      return { kind: 'nothing', answer: [] };
    }
    return { kind: 'change', change: all, answer: [...remarks, ...describeChange(verified, all)] };
  };
  return await carryOut(context, opened, {
    intent: whole,
    options,
    answerProposal: (verified, proposal) => [
      ...remarks,
      ...describeChange(verified, changeOf(proposal)),
    ],
  });
}

/** The answer of every command that changes keys or signatures. */
export function answerChange(
  { config, bucket }: OpenTree,
  { answer, attempts: _, ...rest }: CarriedOut<readonly string[]>,
): Answer {
  const place = { bucket: bucket.name, tree: config.tree };
  const document: ChangeAnswer = { schemaVersion: 1, ...place, changes: [...answer], ...rest };
  return { document, lines: linesOf(document) };
}

function linesOf(answer: ChangeAnswer): string[] {
  const { outcome, changes, objects } = answer;
  switch (outcome) {
    case 'unchanged':
      return ['nothing to do: it already is as requested'];
    case 'noop':
      return ['would change:', ...changes, 'would write:', ...objects];
    case 'committed':
      return ['changed:', ...changes, 'hosts follow at their next poll'];
    case 'proposed':
      return ['proposed:', ...changes, ...proposalLines(answer)];
  }
}

/** What to do next with a proposal. */
export function proposalLines({
  proposal,
  handover,
}: Pick<ChangeAnswer, 'proposal' | 'handover'>): readonly string[] {
  if (proposal === null || handover === null || handover === undefined) return [];
  return handoverLines(proposal, handover);
}
