import { resolve } from 'node:path';
import { metadataKey } from '../../bucket/layout.ts';
import type { ChangeAnswer } from '../answers.ts';
import { withAffected } from '../commit/affected.ts';
import type { Change } from '../commit/change.ts';
import { commit } from '../commit/commit.ts';
import { verifyCommitted } from '../commit/repository.ts';
import { objectKeysOf } from '../commit/sign-and-upload.ts';
import { finishRotations } from '../commit/unfinished-rotation.ts';
import type { Answer, Context, SigningOptions } from '../context.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import { type OpenTree, type RepositoryWork, withRepository } from '../open-tree.ts';
import { describeChange } from '../proposals/describe-change.ts';
import { type Proposal, writeProposal } from '../proposals/file.ts';
import { changeOf, missingSignatures, propose, reviewProposal } from '../proposals/proposal.ts';

export interface ChangeOptions extends SigningOptions {
  /** Write a proposal for others to sign, and leave the bucket alone. */
  readonly out?: string | undefined;
}

export type Outcome = Pick<
  ChangeAnswer,
  'outcome' | 'changes' | 'objects' | 'proposal' | 'missing' | 'versions' | 'expires'
>;

/** Opens a tree with every role that it has, also one whose last rotation was ended half-way. */
export async function withAllRoles<T>(
  context: Context,
  tree: OpenTree,
  options: SigningOptions,
  work: (opened: RepositoryWork) => Promise<T>,
): Promise<T> {
  const needs = { environments: 'all', signing: options } as const;
  return await withRepository(context, tree, needs, (opened) => {
    const notice = (line: string) => context.notice(line);
    const repository = finishRotations(opened.repository, opened.options, notice);
    return work({ ...opened, repository });
  });
}

/** Undefined: the state is as wanted. */
export type ChangeIntent = (verified: VerifiedMetadata) => Change | undefined;

/**
 * Brings a change of keys or signatures into the bucket in one commit, with every role signed anew whose signatures would
 * not count any more; or says what it would be; or proposes it to others.
 */
export async function carryOut(
  context: Context,
  opened: RepositoryWork,
  { intent, options }: { readonly intent: ChangeIntent; readonly options: ChangeOptions },
): Promise<Outcome> {
  const wanted = (verified: VerifiedMetadata): Change | undefined => {
    const change = intent(verified);
    const whole = withAffected(verified, change ?? NOTHING);
    const isNothing = change === undefined && whole.roles.size === 0;
    return isNothing && verified.isUnfinished !== true ? undefined : whole;
  };
  if (options.noop === true) return await plan(opened, wanted);
  if (options.out !== undefined) {
    const path = resolve(context.cwd, options.out);
    return await proposeTo(context, opened, { path, wanted });
  }
  return await commitChange(opened, wanted);
}

const NOTHING: Change = { blobs: [], roles: new Map() };

const UNCHANGED: Outcome = {
  outcome: 'unchanged',
  changes: [],
  objects: [],
  proposal: null,
  missing: {},
  versions: null,
  expires: null,
};

async function plan({ repository }: RepositoryWork, wanted: ChangeIntent): Promise<Outcome> {
  const verified = await repository.read();
  const change = wanted(verified);
  if (change === undefined) return UNCHANGED;
  const objects = objectKeysOf(repository, verified, change);
  return { ...UNCHANGED, outcome: 'noop', changes: describeChange(verified, change), objects };
}

async function commitChange(
  { repository, options }: RepositoryWork,
  wanted: ChangeIntent,
): Promise<Outcome> {
  const done = await commit(repository, (verified) => {
    const change = wanted(verified);
    if (change === undefined) return { kind: 'nothing', answer: [] };
    return { kind: 'change', change, answer: describeChange(verified, change) };
  });
  if (done.kind === 'nothing') return UNCHANGED;
  const { versions, expires } = await verifyCommitted(options, done.files);
  return {
    ...UNCHANGED,
    outcome: 'committed',
    changes: done.answer,
    objects: done.files.map(({ file }) => metadataKey(repository.tree, file)),
    versions: { ...versions },
    expires: { ...expires },
  };
}

async function proposeTo(
  context: Context,
  { repository }: RepositoryWork,
  { path, wanted }: { readonly path: string; readonly wanted: ChangeIntent },
): Promise<Outcome> {
  const verified = await repository.read();
  const change = wanted(verified);
  if (change === undefined) return UNCHANGED;
  const proposal = await propose(repository, verified, { change, by: whoIs(context) });
  await writeProposal(path, proposal);
  return {
    ...UNCHANGED,
    outcome: 'proposed',
    changes: describeChange(verified, changeOf(proposal)),
    proposal: path,
    missing: missingIn(repository, verified, proposal),
  };
}

export function whoIs({ user, host }: Pick<Context, 'user' | 'host'>): string {
  return `${user}@${host}`.slice(0, 200);
}

/** Signatures that are still to come, by role. */
export function missingIn(
  repository: RepositoryWork['repository'],
  verified: VerifiedMetadata,
  proposal: Proposal,
): Record<string, number> {
  const reviewed = reviewProposal(repository, verified, proposal);
  const missing = reviewed.map((each) => [each.document.role, missingSignatures(each)] as const);
  return Object.fromEntries(missing.filter(([, count]) => count > 0));
}

/** The answer of every command that changes keys or signatures. */
export function answerChange({ config, bucket }: OpenTree, outcome: Outcome): Answer {
  const place = { bucket: bucket.name, tree: config.tree };
  const document: ChangeAnswer = { schemaVersion: 1, ...place, ...outcome };
  return { document, lines: linesOf(document) };
}

function linesOf({ outcome, changes, objects, proposal, missing }: ChangeAnswer): string[] {
  switch (outcome) {
    case 'unchanged':
      return ['nothing to do: it is so already'];
    case 'noop':
      return ['would change:', ...changes, 'would write:', ...objects];
    case 'committed':
      return ['changed:', ...changes, 'hosts follow at their next poll'];
    case 'proposed':
      return ['proposed:', ...changes, ...proposalLines(String(proposal), missing)];
  }
}

/** How a proposal goes on. */
export function proposalLines(
  path: string,
  missing: Readonly<Record<string, number>>,
): readonly string[] {
  const counts = Object.entries(missing).map(([role, count]) => `${role} (${count})`);
  if (counts.length === 0) return [`all have signed; next: mm root commit ${path}`];
  return [
    `still needs signatures: ${counts.join(', ')}`,
    `next: send ${path} to the next signer, who runs: mm root sign FILE`,
  ];
}
