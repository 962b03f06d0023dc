import { resolve } from 'node:path';
import { CodedError } from '../../shared/coded-error.ts';
import type { SignAnswer } from '../answers.ts';
import type { Answer, Context, SigningOptions } from '../context.ts';
import { withTree } from '../open-tree.ts';
import { requireComplete } from '../proposals/complete.ts';
import { describeChange } from '../proposals/describe-change.ts';
import { diffDocuments, diffLines } from '../proposals/diff.ts';
import { readProposal, writeProposal } from '../proposals/file.ts';
import {
  changeOf,
  missingIn,
  remainingOf,
  reviewProposal,
  signProposal,
} from '../proposals/proposal.ts';
import {
  answerChange,
  type ChangeIntent,
  changeKeys,
  proposalLines,
  withRepair,
} from './change-keys.ts';

/**
 * `mm root sign`: shows what a proposal changes against the metadata that this person trusts, and
 * adds the signatures that keys at hand can make. With `--noop` it only shows. Throws
 * PROPOSAL_INVALID, KEY_MISSING.
 */
export async function signRoot(
  context: Context,
  file: string,
  options: SigningOptions,
): Promise<Answer> {
  const path = resolve(context.cwd, file);
  return await withTree(context, options, async (tree) => {
    const { config, bucket } = tree;
    const proposal = await readProposal(path, config.id);
    return await withRepair(context, tree, options, async ({ repository }) => {
      const verified = await repository.read();
      const reviewed = reviewProposal(repository, verified, proposal);
      requireComplete(verified, proposal);
      const changes = describeChange(verified, changeOf(proposal));
      const diff = diffDocuments(verified, proposal.documents);
      const isNoop = options.noop === true;
      // Before any key is used: this is what the person, or the token in the hand, is asked to
      // agree to.
      show(context, [...changes, ...(isNoop ? [] : diffLines(diff))]);
      const { proposal: signed, added } = isNoop
        ? { proposal, added: [] }
        : await signProposal(repository, proposal, reviewed);
      const missing = missingIn(repository, verified, signed);
      if (!isNoop && added.length === 0 && Object.keys(missing).length > 0) {
        throw noKey(repository.keyring.place, Object.keys(missing));
      }
      if (added.length > 0) await writeProposal(path, signed);
      const place = { bucket: bucket.name, tree: config.tree };
      const document: SignAnswer = {
        schemaVersion: 1,
        ...place,
        outcome: isNoop ? 'noop' : added.length === 0 ? 'unchanged' : 'signed',
        proposal: path,
        changes,
        diff: diff.map((each) => ({ ...each })),
        added: added.map((each) => ({ ...each })),
        missing,
      };
      return { document, lines: linesOf(document) };
    });
  });
}

/** `mm root commit`: what enough people have signed, in one commit to the bucket. */
export async function commitRoot(
  context: Context,
  file: string,
  options: SigningOptions,
): Promise<Answer> {
  const path = resolve(context.cwd, file);
  return await withTree(context, options, async (tree) => {
    const proposal = await readProposal(path, tree.config.id);
    const done = await withRepair(context, tree, options, async (opened) => {
      const intent: ChangeIntent = (verified) => {
        const remaining = remainingOf(verified, proposal);
        if (remaining.documents.length === 0) return undefined;
        reviewProposal(opened.repository, verified, remaining);
        requireComplete(verified, proposal);
        // Keys at hand sign here as well, where signatures are still missing.
        show(context, diffLines(diffDocuments(verified, remaining.documents)));
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

function linesOf({ outcome, proposal, diff, added, missing }: SignAnswer): string[] {
  const rest = proposalLines(proposal, missing);
  if (outcome === 'noop') return [...diffLines(diff), ...rest];
  const signed = added.map(({ role, keyId }) => `signed ${role} with ${keyId.slice(0, 12)}`);
  return outcome === 'signed' ? [...signed, ...rest] : [...rest];
}

function noKey(place: string, roles: readonly string[]): CodedError {
  return new CodedError(`no key in ${place} may still sign ${roles.join(', ')}`, {
    code: 'KEY_MISSING',
    next: 'mm key list, to see whose turn it is; --keys DIR to say where your keys are',
    details: { roles },
  });
}
