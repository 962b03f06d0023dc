import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import type { Blob } from '../../commit/change.ts';
import type { Planned } from '../../commit/commit.ts';
import { requireKeys } from '../../commit/require-keys.ts';
import type { Answer, Context, SigningOptions } from '../../context.ts';
import { changeOf, isDone, toInstant } from '../../metadata/release-change.ts';
import { contentOfRole, type Slots, withSlots } from '../../metadata/slots.ts';
import { offerOf, type VerifiedMetadata } from '../../metadata/verified.ts';
import type { MoveAnswer } from '../../move-answers.ts';
import { type OpenTree, withRepository, withTree } from '../../open-tree.ts';
import type { Repository } from '../../repository/repository.ts';
import {
  type CarriedOut,
  type CarryOutOptions,
  carryOut,
  whoIs,
  writesMetadata,
} from '../carry-out.ts';
import { proposalLines } from '../change-keys.ts';
import { type Confirmation, confirmOnce, type Doubt } from '../confirm.ts';
import { releaseAnswer } from '../releases/answer.ts';
import { pausedText } from './paused-text.ts';

/*
 * The frame of the commands that change what an environment offers to its hosts: promote, rollback,
 * rollout, hold, stop, resume. Each one says what the environment offers afterwards; the frame
 * shows it, asks, and makes one commit of it, with a signed statement of who did it and why.
 */

export interface MoveOptions extends SigningOptions, CarryOutOptions {
  readonly reason?: string | undefined;
  /** Do not ask. */
  readonly yes?: boolean | undefined;
}

export interface Move {
  readonly action: MoveAnswer['action'];
  readonly environment: string;
  /** Of `promote`: where the release comes from. */
  readonly from?: string | undefined;
  /** False when the command does not ask, because it can be undone at once. */
  readonly isAsking: boolean;
  plan(seen: Seen): Promise<MovePlan | undefined> | MovePlan | undefined;
}

/** What a plan is made of. */
export interface Seen {
  readonly context: Context;
  readonly tree: OpenTree;
  readonly repository: Repository;
  readonly verified: VerifiedMetadata;
  /** What the environment offers now. */
  readonly slots: Slots;
  readonly role: string;
  readonly by: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface MovePlan {
  readonly after: Slots & { readonly current: OfferedRelease };
  /** What changes, for people. */
  readonly lines: readonly string[];
  readonly doubts: readonly Doubt[];
  /** `promote 0.1.2 to stable`. */
  readonly what: string;
  /** What `mm log` says instead of the command's own action and reason. */
  readonly action?: MoveAnswer['action'];
  readonly reason?: string;
  readonly blobs?: readonly Blob[];
}

/** The answer of every command here. */
export interface MoveResult extends Answer {
  readonly document: MoveAnswer;
}

interface Moved {
  readonly action: MoveAnswer['action'];
  readonly lines: readonly string[];
  readonly before: Slots;
  readonly after: Slots;
  /** An earlier attempt of this command was committed. */
  readonly isDone: boolean;
}

/** Throws NOT_CONFIRMED, ENVIRONMENT_UNKNOWN, and what `carryOut` throws. */
export async function move(
  context: Context,
  options: MoveOptions,
  wanted: Move,
): Promise<MoveResult> {
  return await withTree(context, options, (tree) => moveIn(context, tree, options, wanted));
}

/** Like {@link move}, for a tree that is open already. */
export async function moveIn(
  context: Context,
  tree: OpenTree,
  options: MoveOptions,
  wanted: Move,
): Promise<MoveResult> {
  const { environment, from } = wanted;
  const environments = [environment, ...(from === undefined ? [] : [from])];
  const { ask, exitCode } = confirmOnce(context, options);
  const done = await withRepository(context, tree, { environments, signing: options }, (opened) =>
    carryOut(context, opened, {
      intent: intentOf(context, { tree, options, wanted, repository: opened.repository, ask }),
      options,
    }),
  );
  return { ...answerOf(tree, wanted, done), exitCode: exitCode() };
}

function intentOf(
  context: Context,
  given: {
    readonly tree: OpenTree;
    readonly options: MoveOptions;
    readonly wanted: Move;
    readonly repository: Repository;
    readonly ask: Confirmation['ask'];
  },
): (verified: VerifiedMetadata) => Promise<Planned<Moved>> {
  const { tree, options, wanted, repository, ask } = given;
  const { action, environment, from, isAsking } = wanted;
  const by = whoIs(context);
  const request = { action, by, startedAt: context.now(), reason: options.reason ?? '', from };
  return async (verified) => {
    const { role, ...before } = offerOf(verified, environment);
    if (isDone(request, before.current)) {
      return {
        kind: 'nothing',
        answer: { action, lines: [], before, after: before, isDone: true },
      };
    }
    const at = toInstant(request.startedAt);
    const seen = { context, tree, repository, verified, slots: before, role, by, at };
    const plan = await wanted.plan(seen);
    if (plan === undefined) {
      return {
        kind: 'nothing',
        answer: { action, lines: [], before, after: before, isDone: false },
      };
    }
    const { lines, doubts, what, blobs = [] } = plan;
    const yes = isAsking && options.out === undefined ? options.yes === true : undefined;
    if (writesMetadata(options)) {
      await requireKeys(repository, verified, [role, 'snapshot', 'timestamp']);
    }
    await ask({ lines, doubts, what, yes });
    const { reason = request.reason, action: stated = action } = plan;
    const change = changeOf({ ...request, action: stated, reason }, verified, role);
    const current = { ...plan.after.current, custom: { ...plan.after.current.custom, change } };
    const after = { ...plan.after, current };
    const content = withSlots(contentOfRole(verified, role), environment, after);
    const roles = new Map([[role, content]]);
    const answer = { action: stated, lines, before, after, isDone: false };
    return { kind: 'change', change: { blobs, roles }, answer };
  };
}

function answerOf(
  { config, bucket }: OpenTree,
  { environment, from }: Pick<Move, 'environment' | 'from'>,
  { answer, outcome, attempts: _, ...rest }: CarriedOut<Moved>,
): MoveResult {
  const { action, lines, before, after, isDone } = answer;
  const document: MoveAnswer = {
    schemaVersion: 1,
    bucket: bucket.name,
    tree: config.tree,
    ...{ action, environment, from: from ?? null, ...rest },
    outcome: isDone ? 'committed' : outcome,
    changes: [...lines],
    current: after.current === undefined ? null : releaseAnswer(after.current),
    next: after.next === undefined ? null : releaseAnswer(after.next),
    previous: before.current === undefined ? null : releaseAnswer(before.current),
  };
  return { document, lines: linesOf(document) };
}

function linesOf({ outcome, environment, changes, objects, ...rest }: MoveAnswer): string[] {
  const paused = pausedText(rest.current);
  switch (outcome) {
    case 'unchanged':
      return [
        `nothing to do: ${environment} stays as it is${paused === undefined ? '' : `, ${paused}`}`,
      ];
    case 'noop':
      return ['would change:', ...changes, 'would write:', ...objects];
    case 'proposed':
      return ['proposed:', ...changes, ...proposalLines(rest)];
    case 'committed':
      return [...changes, 'hosts follow at their next poll'];
  }
}
