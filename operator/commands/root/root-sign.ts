import { resolve } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import { roleWord } from '../../../trust/metadata/role-names.ts';
import type { SignAnswer } from '../../answers.ts';
import { requireAgreed } from '../../commit/consistent.ts';
import { requireClock } from '../../commit/require-clock.ts';
import type { Answer, Context } from '../../context.ts';
import { withTree } from '../../open-tree.ts';
import { requireComplete } from '../../proposals/complete.ts';
import { describeChange } from '../../proposals/describe-change.ts';
import { diffDocuments, diffLines } from '../../proposals/diff.ts';
import { readProposal, writeProposal } from '../../proposals/file.ts';
import {
  type Handover,
  handoverLines,
  handoverOf,
  missingIn,
  openRoles,
} from '../../proposals/handover.ts';
import { invalidProposal } from '../../proposals/invalid-proposal.ts';
import { newReleases } from '../../proposals/new-releases.ts';
import {
  changeOf,
  isSignable,
  missingSignatures,
  type Reviewed,
  remainingOf,
  reviewProposal,
  signProposal,
} from '../../proposals/proposal.ts';
import { summaryLines } from '../../proposals/summary.ts';
import { requireBlob } from '../../repository/require-blob.ts';
import {
  answerChange,
  type ChangeIntent,
  changeKeys,
  type RepairOptions,
  withRepair,
} from '../change-keys.ts';
import { confirm } from '../confirm.ts';
import { releaseName } from '../move/release-name.ts';
import { type BinaryOptions, compareBinaries } from './compare-binaries.ts';
import { type RebuildOptions, type Rebuilt, rebuildReleases } from './rebuild.ts';

export interface SignOptions extends RepairOptions, RebuildOptions, BinaryOptions {
  /** Do not ask on a terminal. */
  readonly yes?: boolean | undefined;
}

/**
 * `mm root sign`: shows what a proposal changes against the metadata that this person trusts, and
 * adds the signatures of the keys on this machine. Releases are packed again from their commit, and
 * compared; binaries are compared with the files of `--binary`. With `--noop` it only shows. Throws
 * NOT_CONFIRMED, PROPOSAL_INVALID, RELEASE_INVALID, GIT_FAILED, KEY_MISSING.
 */
export async function signRoot(
  context: Context,
  file: string,
  options: SignOptions,
): Promise<Answer> {
  const path = resolve(context.cwd, file);
  return await withTree(context, options, async (tree) => {
    const { config, bucket } = tree;
    const proposal = await readProposal(path, config.id);
    return await withRepair(context, tree, options, async ({ repository }) => {
      const verified = await repository.read();
      requireClock(repository, verified);
      // A proposal for an older state would look complete beside what a recovery found.
      if (options.noop !== true) requireAgreed(verified);
      if (remainingOf(verified, proposal).documents.length === 0) throw committed(path);
      const reviewed = reviewProposal(repository, verified, proposal);
      requireComplete(verified, proposal);
      const summary = summaryLines(verified, proposal.documents);
      const changes = describeChange(verified, changeOf(proposal));
      const diff = diffDocuments(verified, proposal.documents);
      const isNoop = options.noop === true;
      // Must come before any key is used: it shows the person what they are about to sign.
      show(context, [...changes, ...(isNoop ? [] : diffLines(diff))]);
      const { documents } = proposal;
      const rebuilt = await rebuildReleases(context, config, { verified, documents, options });
      const binaries = await compareBinaries(context, { verified, documents, options });
      show(context, linesOfRebuilt(rebuilt));
      show(
        context,
        binaries.map(({ line }) => line),
      );
      show(context, summary);
      if (!isNoop && isSignable(repository.keyring, reviewed)) await agree(context, options);
      const { proposal: signed, added } = isNoop
        ? { proposal, added: [] }
        : await signProposal(repository, proposal, reviewed);
      const handover = handoverOf(repository, verified, signed);
      const missing = missingIn(handover);
      if (!isNoop && added.length === 0 && Object.keys(missing).length > 0) {
        throw noKey(repository.keyring.place, handover);
      }
      if (added.length > 0) await writeProposal(path, signed);
      const place = { bucket: bucket.name, tree: config.tree };
      const document: SignAnswer = {
        schemaVersion: 1,
        ...place,
        outcome: isNoop ? 'noop' : added.length === 0 ? 'unchanged' : 'signed',
        proposal: path,
        summary,
        changes,
        diff: diff.map((each) => ({ ...each })),
        rebuilt: rebuilt.map(({ lines: _, ...each }) => each),
        binaries: binaries.map(({ line: _, ...each }) => each),
        added: added.map((each) => ({ ...each })),
        missing,
        handover,
      };
      return { document, lines: linesOf(document, handover) };
    });
  });
}

/**
 * `mm root commit`: writes a proposal with enough signatures to the bucket, in one commit. It adds
 * none: a carrier could otherwise get the signature of a person who was only asked to upload.
 * Throws PROPOSAL_INVALID, RELEASE_INVALID.
 */
export async function commitRoot(
  context: Context,
  file: string,
  options: RepairOptions,
): Promise<Answer> {
  const path = resolve(context.cwd, file);
  return await withTree(context, options, async (tree) => {
    const proposal = await readProposal(path, tree.config.id);
    const done = await withRepair(context, tree, options, async (opened) => {
      const intent: ChangeIntent = async (verified) => {
        const remaining = remainingOf(verified, proposal);
        if (remaining.documents.length === 0) return undefined;
        const reviewed = reviewProposal(opened.repository, verified, remaining);
        requireComplete(verified, proposal);
        show(context, diffLines(diffDocuments(verified, remaining.documents)));
        const unsigned = reviewed.filter((each) => missingSignatures(each) > 0);
        if (unsigned.length > 0) throw notSigned(path, unsigned);
        // Who writes to the bucket can replace the tarballs that came with the proposal.
        for (const release of newReleases(verified, remaining.documents)) {
          const description = `${release.path} ${releaseName(release)}`;
          await requireBlob(opened.repository, { ...release, description });
        }
        return changeOf(remaining);
      };
      return await changeKeys(context, opened, { intent, options });
    });
    return answerChange(tree, done);
  });
}

function show({ show: write, notice }: Context, lines: readonly string[]): void {
  for (const line of lines) (write ?? notice)(line);
}

function linesOfRebuilt(rebuilt: readonly Rebuilt[]): string[] {
  return rebuilt.flatMap(({ lines }) => lines);
}

/** Asks on a terminal. A job that runs this command has no terminal, and nobody to ask. */
async function agree(context: Context, { yes = false }: SignOptions): Promise<void> {
  if (context.askLine === undefined) return;
  await confirm(context, { lines: [], doubts: [], yes, what: 'sign this' });
}

function linesOf({ outcome, proposal, diff, added }: SignAnswer, handover: Handover): string[] {
  const rest = handoverLines(proposal, handover);
  if (outcome === 'noop') return [...diffLines(diff), ...rest];
  const signed = added.map(
    ({ role, keyId }) => `signed ${roleWord(role)} with ${keyId.slice(0, 12)}`,
  );
  return outcome === 'signed' ? [...signed, ...rest] : [...rest];
}

function notSigned(path: string, unsigned: readonly Reviewed[]): CodedError {
  const missing = unsigned.map(
    (each) => `${roleWord(each.document.role)} (${missingSignatures(each)} missing)`,
  );
  const message = `${path}: not enough keys have signed ${missing.join(', ')}`;
  return invalidProposal(
    message,
    undefined,
    `mm root sign ${shellWord(path)}, by those who may sign it`,
  );
}

function committed(path: string): CodedError {
  const message = `${path} has been committed already: nothing is left to sign`;
  return invalidProposal(message, undefined, 'mm log, to see the change');
}

function noKey(place: string, handover: Handover): CodedError {
  const roles = openRoles(handover);
  const words = roles.map(({ role, others }) => `${roleWord(role)} (${others.join(', ')} may)`);
  return new CodedError(`no key in ${place} may still sign ${words.join(', ')}`, {
    code: 'KEY_MISSING',
    next: 'send the file to the owner of one of these keys; --keys DIR to say where your keys are',
    details: { roles: roles.map(({ role }) => role) },
  });
}
