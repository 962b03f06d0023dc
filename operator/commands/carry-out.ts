import { resolve } from 'node:path';
import { blobKey, metadataKey } from '../../bucket/layout.ts';
import type { Change } from '../commit/change.ts';
import { commit, type Intent } from '../commit/commit.ts';
import { requireClock } from '../commit/require-clock.ts';
import { requireAnyKey, rolesSigned, unlockKeys } from '../commit/require-keys.ts';
import { objectKeysOf } from '../commit/sign-and-upload.ts';
import type { Context, SigningOptions } from '../context.ts';
import type { Keyring } from '../keys/keyring.ts';
import { delegatedOffer, type VerifiedMetadata } from '../metadata/verified.ts';
import type { RepositoryWork } from '../open-tree.ts';
import { type Proposal, requireProposalPath, writeProposal } from '../proposals/file.ts';
import { type Handover, handoverOf, missingIn } from '../proposals/handover.ts';
import { propose } from '../proposals/proposal.ts';
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
  /** Called before any key is used, and again when another publisher committed first. */
  show?(planned: { readonly answer: T; readonly verified: VerifiedMetadata }): void;
  /** The answer for a proposal, with its versions and expiry. */
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
  /** Who signs and commits the proposal, if one was written. */
  readonly handover: Handover | null;
  /** Signatures that the roles of a proposal still need. */
  readonly missing: Record<string, number>;
  /** As a new host reads them from the bucket; null when mm committed nothing. */
  readonly versions: Record<string, number> | null;
  readonly expires: Record<string, string> | null;
  /** Above 1: other publishers committed first. */
  readonly attempts: number;
}

/** Whether the command signs and commits: it writes no proposal and has no `--noop`. */
export function writesMetadata({ noop, out }: CarryOutOptions): boolean {
  return noop !== true && out === undefined;
}

/** Throws what `commit` throws, PROPOSAL_INVALID. */
export async function carryOut<T>(
  context: Context,
  { repository, options: repositoryOptions }: RepositoryWork,
  job: Job<T>,
): Promise<CarriedOut<T>> {
  const { intent, options, show } = job;
  const isCommit = writesMetadata(options);
  const shownIntent: Intent<T> = async (verified) => {
    requireClock(repository, verified);
    const planned = await intent(verified);
    if (planned.kind === 'nothing') return planned;
    if (isCommit) await unlockKeys(repository, verified, rolesSigned(planned.change));
    show?.({ answer: planned.answer, verified });
    return planned;
  };
  await requireMeans(context, repository.keyring, options);
  if (!isCommit) {
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

/**
 * Checks what needs no bucket: the path of a proposal, and whether this machine has a key. Throws
 * USAGE, KEY_MISSING.
 */
export async function requireMeans(
  { cwd }: Pick<Context, 'cwd'>,
  keyring: Keyring,
  { out, noop }: CarryOutOptions,
): Promise<void> {
  if (out !== undefined) await requireProposalPath(resolve(cwd, out));
  else if (noop !== true) requireAnyKey(keyring);
}

/**
 * Unlocks the keys of an environment before its gates run, so that a missing key is found before
 * minutes of work. A proposal and `--noop` need no key.
 */
export async function unlockEarly(
  repository: RepositoryWork['repository'],
  verified: VerifiedMetadata,
  { environment, options }: { readonly environment: string; readonly options: CarryOutOptions },
): Promise<void> {
  if (!writesMetadata(options)) return;
  const { role } = delegatedOffer(verified, environment);
  await unlockKeys(repository, verified, [role, 'snapshot', 'timestamp']);
}

const NOTHING: Omit<CarriedOut<unknown>, 'answer'> = {
  outcome: 'unchanged',
  objects: [],
  proposal: null,
  handover: null,
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
  const handover = handoverOf(repository, verified, proposal);
  return {
    ...NOTHING,
    outcome: 'proposed',
    answer: job.answerProposal?.(verified, proposal) ?? answer,
    objects: change.blobs.map(({ sha256 }) => blobKey(repository.tree, sha256)),
    proposal: path,
    handover,
    missing: missingIn(handover),
  };
}

/** The name of the person or CI job, for the releases. */
export function whoIs({ user, host }: Pick<Context, 'user' | 'host'>): string {
  return `${user}@${host}`.slice(0, 200);
}
