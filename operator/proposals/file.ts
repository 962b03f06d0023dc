import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { Sha256 } from '../../bucket/documents/names.ts';
import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { fileProblem } from '../../shared/file-problem.ts';
import { jsonObject, parseJson } from '../../shared/json.ts';
import { jsonProblem, MAX_LEVELS } from '../../trust/metadata/json-limits.ts';
import { isBinariesRole } from '../../trust/metadata/role-names.ts';
import { openRegular } from '../files/open-regular.ts';
import { DELEGATED_ROLE } from '../metadata/lint/environment-pattern.ts';
import { requireBound } from './binding.ts';
import { invalidProposal } from './invalid-proposal.ts';

const MAX_BYTES = 16 * 1024 * 1024;
const MAX_DOCUMENTS = 500;

const ProposedDocument = z.strictObject({
  role: z
    .string()
    .refine(
      (role) =>
        role === 'root' || role === 'targets' || DELEGATED_ROLE.test(role) || isBinariesRole(role),
      'expected root, targets, or the role of an environment, a class or binaries',
    ),
  /** The version that it continues; 0: it is the first one. */
  base: z.int().min(0),
  signed: z.record(z.string(), z.unknown()),
  signatures: z
    .array(
      z.strictObject({
        keyid: Sha256,
        sig: z
          .string()
          .max(1024)
          .regex(/^([0-9a-f]{2})+$/),
      }),
    )
    .max(100),
});
export type ProposedDocument = Readonly<z.infer<typeof ProposedDocument>>;

/**
 * Documents that go from one signer to the next, by mail or chat. Nothing in it is secret. Only the
 * signed documents decide: `tree` and `base` are compared with what is signed. Snapshot and
 * timestamp are not in it: the person who commits signs those.
 */
export const Proposal = z.strictObject({
  format: z.literal('miyamoto-proposal'),
  version: z.literal(2),
  tree: z.string().max(200),
  documents: z.array(ProposedDocument).min(1).max(MAX_DOCUMENTS),
});
export type Proposal = Readonly<z.infer<typeof Proposal>>;

/**
 * Throws PROPOSAL_INVALID for another kind of file, TREE_MISMATCH for a proposal of another tree.
 */
export async function readProposal(path: string, treeId: string): Promise<Proposal> {
  const content = await readJson(path);
  const { format = 'no format' } = jsonObject(content);
  if (format !== 'miyamoto-proposal') {
    const found = `found ${JSON.stringify(format)}`;
    throw invalidProposal(`${path}: wanted a proposal, ${found}`, undefined, GIVE_PROPOSAL);
  }
  const parsed = Proposal.safeParse(content);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.length ? [issue.path.join('.')] : [];
    throw invalidProposal([path, ...where, issue?.message].join(': '));
  }
  const { tree, documents } = parsed.data;
  if (tree !== treeId) {
    throw new CodedError(`${path} is a proposal for tree ${JSON.stringify(tree)}, not ${treeId}`, {
      code: 'TREE_MISMATCH',
      next: '--tree NAME, for the tree that it is meant for',
    });
  }
  const roles = documents.map(({ role }) => role);
  if (new Set(roles).size !== roles.length) throw invalidProposal(`${path}: a role comes twice`);
  requireBound(documents);
  return parsed.data;
}

const GIVE_PROPOSAL = 'give the file that a command with --out wrote';

async function readJson(path: string): Promise<unknown> {
  await using file = await openRegular(path).catch((cause: Error) => {
    const { why, next } = fileProblem(path, cause);
    throw invalidProposal(`cannot read the proposal: ${why}`, cause, next);
  });
  const { size } = await file.stat();
  if (size > MAX_BYTES) throw invalidProposal(`${path}: wanted at most ${MAX_BYTES} bytes`);
  const content = parsed(path, await file.readFile('utf8'));
  const problem = jsonProblem(content, MAX_LEVELS + SIGNED_BELOW);
  if (problem === undefined) return content;
  const where = printable(problem.path.join('.'), 100);
  throw invalidProposal(`${path}: ${where}: ${problem.what}`);
}

/** Levels of a proposal above the signed part of a document. */
const SIGNED_BELOW = 3;

function parsed(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const message = `${path}: wanted a proposal in JSON, found something else`;
    throw invalidProposal(message, cause, GIVE_PROPOSAL);
  }
}

/**
 * Checks the path of `--out`. A proposal may replace an older one, and nothing else: a slip must
 * not replace a signing key or the configuration. Throws USAGE.
 */
export async function requireProposalPath(path: string): Promise<void> {
  try {
    await using file = await openRegular(path);
    if ((await file.stat()).size <= MAX_BYTES && isProposal(await file.readFile('utf8'))) return;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' && existsSync(dirname(path))) return;
    const missing = code === 'ENOENT' ? dirname(path) : path;
    const { why, next } = fileProblem(missing, cause);
    throw new CodedError(`--out: ${why}`, { code: 'USAGE', cause, next });
  }
  throw new CodedError(`--out: ${path} exists and is not a proposal, so mm does not replace it`, {
    code: 'USAGE',
    next: '--out with another name, for example change.proposal.json',
  });
}

function isProposal(text: string): boolean {
  return jsonObject(parseJson(text))['format'] === 'miyamoto-proposal';
}

/** Writes a proposal, readable for every user: it has no secrets. */
export async function writeProposal(path: string, proposal: Proposal): Promise<void> {
  writeFileAtomicSync(path, `${JSON.stringify(proposal, null, 1)}\n`, { mode: 0o644 });
}
