import { resolve } from 'node:path';
import { blobKey, metadataKey } from '../../bucket/layout.ts';
import type { Change } from '../commit/change.ts';
import { commit, type Intent } from '../commit/commit.ts';
import { objectKeysOf } from '../commit/sign-and-upload.ts';
import type { Context, SigningOptions } from '../context.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { RepositoryWork } from '../open-tree.ts';
import { type Proposal, writeProposal } from '../proposals/file.ts';
import { missingIn, propose } from '../proposals/proposal.ts';
import { verifyCommitted } from '../repository/read-bucket.ts';

/*
 * The frame of every command that signs: plan the change on the verified state, show it, then carry
 * it out. That means one commit to the bucket; with --out a file for others to sign; with --noop
 * nothing.
 */

export interface CarryOutOptions extends Pick<SigningOptions, 'noop'> {
  /** Write a proposal for others to sign, and do not change the metadata in the bucket. */
  readonly out?: string | undefined;
}

export interface Job<T> {
  readonly intent: Intent<T>;
  readonly options: CarryOutOptions;
  /** Called before any key is used, and again when another publisher was first. */
  show?(planned: { readonly answer: T; readonly verified: VerifiedMetadata }): void;
  /** The answer for a proposal. Versions and expiry are known only then. */
  answerProposal?(verified: VerifiedMetadata, proposal: Proposal): T;
}

/** The parts of a command's answer that are the same for all of them. */
export interface CarriedOut<T> {
  readonly outcome: 'committed' | 'proposed' | 'unchanged' | 'noop';
  readonly answer: T;
  /** Object keys, in the order in which they are written. */
  readonly objects: string[];
  /** The proposal file, if one was written. */
  readonly proposal: string | null;
  /** Signatures that the roles of a proposal still need. */
  readonly missing: Record<string, number>;
  /** As a new host reads them from the bucket; null when mm committed nothing. */
  readonly versions: Record<string, number> | null;
  readonly expires: Record<string, string> | null;
  /** Above 1: other publishers were first. */
  readonly attempts: number;
}

/** Throws what `commit` throws, PROPOSAL_INVALID. */
export async function carryOut<T>(
  context: Context,
  { repository, options: repositoryOptions }: RepositoryWork,
  job: Job<T>,
): Promise<CarriedOut<T>> {
  const { intent, options, show } = job;
  const shownIntent: Intent<T> = async (verified) => {
    const planned = await intent(verified);
    if (planned.kind === 'change') show?.({ answer: planned.answer, verified });
    return planned;
  };
  if (options.noop === true || options.out !== undefined) {
    const verified = await repository.read();
    const planned = await shownIntent(verified);
    if (planned.kind === 'nothing') return { ...NOTHING, answer: planned.answer };
    const { answer, change } = planned;
    const given = { answer, change, verified };
    return options.noop === true
      ? { ...NOTHING, outcome: 'noop', answer, objects: objectKeysOf(repository, verified, change) }
      : await proposeChange(context, repository, { ...given, job });
  }
  const done = await commit(repository, shownIntent);
  if (done.kind === 'nothing') return { ...NOTHING, answer: done.answer };
  const { versions, expires } = await verifyCommitted(repositoryOptions, done.files);
  return {
    ...NOTHING,
    outcome: 'committed',
    answer: done.answer,
    objects: [
      ...done.blobs.map(({ sha256 }) => blobKey(repository.tree, sha256)),
      ...done.files.map(({ file }) => metadataKey(repository.tree, file)),
    ],
    versions: { ...versions },
    expires: { ...expires },
    attempts: done.attempts,
  };
}

const NOTHING: Omit<CarriedOut<unknown>, 'answer'> = {
  outcome: 'unchanged',
  objects: [],
  proposal: null,
  missing: {},
  versions: null,
  expires: null,
  attempts: 0,
};

async function proposeChange<T>(
  context: Context,
  repository: RepositoryWork['repository'],
  given: {
    readonly answer: T;
    readonly change: Change;
    readonly verified: VerifiedMetadata;
    readonly job: Job<T>;
  },
): Promise<CarriedOut<T>> {
  const { answer, change, verified, job } = given;
  const path = resolve(context.cwd, job.options.out ?? '');
  const proposal = await propose(repository, verified, change);
  await writeProposal(path, proposal);
  return {
    ...NOTHING,
    outcome: 'proposed',
    answer: job.answerProposal?.(verified, proposal) ?? answer,
    objects: change.blobs.map(({ sha256 }) => blobKey(repository.tree, sha256)),
    proposal: path,
    missing: missingIn(repository, verified, proposal),
  };
}

/** The person or CI job at work, as releases name them. */
export function whoIs({ user, host }: Pick<Context, 'user' | 'host'>): string {
  return `${user}@${host}`.slice(0, 200);
}
