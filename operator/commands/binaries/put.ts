import { binaryKey } from '../../../bucket/layout.ts';
import type { BinariesPutAnswer } from '../../binaries-answers.ts';
import type { Planned } from '../../commit/commit.ts';
import { objectKeysOf } from '../../commit/sign-and-upload.ts';
import type { Answer, Context, SigningOptions } from '../../context.ts';
import {
  editedBinaries,
  type ListedBinary,
  listedBinaries,
  requireBinariesRole,
  requireRoom,
} from '../../metadata/binaries.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { withRepository, withTree } from '../../open-tree.ts';
import { type CarriedOut, type CarryOutOptions, carryOut, whoIs } from '../carry-out.ts';
import { proposalLines } from '../change-keys.ts';
import { KEPT_MS } from '../clean/kept.ts';
import { confirmOnce, type Question } from '../confirm.ts';
import { sizeText } from '../size-text.ts';
import { type GivenFile, readFiles } from './read-files.ts';
import { uploadBinaries } from './upload.ts';

export interface PutOptions extends SigningOptions, CarryOutOptions {
  readonly name?: string | undefined;
  readonly replace?: boolean | undefined;
  readonly reason?: string | undefined;
}

type Put = BinariesPutAnswer['binaries'][number];

/**
 * `mm binaries put`: uploads files, and signs their length and sha256. A file that is already there
 * is neither uploaded nor signed again, so a command that was killed can be repeated. Throws USAGE,
 * NOT_CONFIRMED, BLOB_MISMATCH, METADATA_MISSING when the tree has no binaries.
 */
export async function putBinaries(
  context: Context,
  files: readonly string[],
  options: PutOptions,
): Promise<Answer> {
  return await withTree(context, options, async (tree) => {
    const given = await readFiles(context, files, options.name);
    const edit = { given, options, by: whoIs(context), now: context.now() };
    const { ask, exitCode } = confirmOnce(context, { noop: options.noop });
    const needs = { environments: 'all', signing: options } as const;
    if (options.noop !== true) {
      // All checks come before the upload.
      await withRepository(context, tree, needs, async ({ repository }) => {
        const verified = await repository.read();
        const planned = await planPut(verified, edit, ask);
        if (planned.kind === 'change' && options.out === undefined) {
          objectKeysOf(repository, verified, planned.change);
        }
      });
      await uploadBinaries(context, tree, given);
    }
    const done = await withRepository(context, tree, needs, (opened) =>
      carryOut(context, opened, {
        intent: (verified) => planPut(verified, edit, ask),
        options,
      }),
    );
    const keys = done.answer
      .filter(({ change }) => change !== 'unchanged')
      .map((each) => binaryKey(tree.config.tree, each));
    const document = documentOf({ bucket: tree.bucket.name, tree: tree.config.tree }, done, keys);
    return { document, lines: linesOf(document), exitCode: exitCode() };
  });
}

interface PutEdit {
  readonly given: readonly GivenFile[];
  readonly options: PutOptions;
  readonly by: string;
  readonly now: number;
}

async function planPut(
  verified: VerifiedMetadata,
  { given, options, by, now }: PutEdit,
  ask: (question: Question) => Promise<void>,
): Promise<Planned<readonly Put[]>> {
  const role = requireBinariesRole(verified);
  const listed = new Map(listedBinaries(verified).map((each) => [each.name, each]));
  const answer = given.map(({ name, sha256, length }): Put => {
    const there = listed.get(name);
    const isSame = there?.sha256 === sha256 && there.length === length;
    const change = there === undefined ? 'added' : isSame ? 'unchanged' : 'replaced';
    return { name, sha256, length, change };
  });
  const changed = answer.filter(({ change }) => change !== 'unchanged');
  if (changed.length === 0) return { kind: 'nothing', answer };
  await ask({
    lines: changed.map((each) => lineOf(each, isPlanned)),
    doubts: changed
      .filter(({ change }) => change === 'replaced')
      .map(({ name }) => ({
        text: replacing(listed.get(name)),
        option: '--replace',
        isAgreed: options.replace === true,
      })),
    what: `sign ${changed.length === 1 ? changed[0]?.name : `${changed.length} binaries`}`,
  });
  const { reason = '' } = options;
  const custom = { schema: 1, at: new Date(now).toISOString(), by, reason };
  const put = changed.map((each) => ({ ...each, custom })) as readonly ListedBinary[];
  const content = editedBinaries(verified, { put, remove: [], by, reason, now, keptMs: KEPT_MS });
  requireRoom(content, put.length);
  const change = { blobs: [], roles: new Map([[role, content]]) };
  return { kind: 'change', change, answer };
}

function replacing(there: ListedBinary | undefined): string {
  const { name, sha256, custom } = there as ListedBinary;
  return `there is a binary ${name} of other content: sha256 ${sha256}, signed ${custom.at} by ${custom.by}`;
}

function documentOf(
  place: { readonly bucket: string; readonly tree: string },
  { outcome, answer, objects, proposal, missing, handover }: CarriedOut<readonly Put[]>,
  keys: readonly string[],
): BinariesPutAnswer {
  return {
    ...{ schemaVersion: 1, ...place },
    outcome: outcome === 'committed' ? 'put' : outcome,
    binaries: answer.map(({ name, sha256, length, change }) => ({ name, sha256, length, change })),
    objects: [...keys, ...objects],
    ...{ proposal, missing, handover },
  };
}

type State = (change: Put['change']) => string;

const isDone: State = (change) => change;
const isPlanned: State = (change) => (change === 'unchanged' ? change : `to be ${change}`);

function lineOf({ name, length, sha256, change }: Put, state: State): string {
  return `${name}, ${sizeText(length)}, sha256 ${sha256}: ${state(change)}`;
}

function linesOf({ outcome, binaries, objects, proposal, handover }: BinariesPutAnswer): string[] {
  const state = outcome === 'put' || outcome === 'unchanged' ? isDone : isPlanned;
  const lines = binaries.map((each) => lineOf(each, state));
  switch (outcome) {
    case 'put':
      return [...lines, 'hosts can fetch them after their next poll: mm-agent binary NAME'];
    case 'proposed':
      return ['proposed:', ...lines, ...proposalLines({ proposal, handover })];
    case 'unchanged':
      return [...lines, 'nothing to do'];
    case 'noop':
      return ['would sign:', ...lines, 'would write:', ...objects];
  }
}
