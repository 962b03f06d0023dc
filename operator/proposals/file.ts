import { open } from 'node:fs/promises';
import { z } from 'zod';
import { Sha256 } from '../../bucket/documents/names.ts';
import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { requireBound } from './binding.ts';
import { invalidProposal } from './invalid-proposal.ts';

const MAX_BYTES = 16 * 1024 * 1024;
const MAX_DOCUMENTS = 500;

const ProposedDocument = z.strictObject({
  role: z
    .string()
    .regex(/^(root|targets|env-\w+(-\d+)?)$/, 'expected root, targets or env-<environment>'),
  /** The version that it continues, 0: none. */
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
 * Documents that go from one signer to the next, by mail or chat. Nothing in it is secret. Nothing
 * outside the signed documents decides anything: `tree` and `base` are compared with what is
 * signed. Snapshot and timestamp are not in it: the person who commits signs those.
 */
export const Proposal = z.strictObject({
  format: z.literal('miyamoto-proposal'),
  version: z.literal(2),
  tree: z.string().max(200),
  documents: z.array(ProposedDocument).min(1).max(MAX_DOCUMENTS),
});
export type Proposal = Readonly<z.infer<typeof Proposal>>;

/** Throws PROPOSAL_INVALID for what is none, TREE_MISMATCH for another tree's. */
export async function readProposal(path: string, treeId: string): Promise<Proposal> {
  const parsed = Proposal.safeParse(await readJson(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalidProposal(`${path}: ${issue?.path.join('.')}: ${issue?.message}`);
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

async function readJson(path: string): Promise<unknown> {
  await using file = await open(path, 'r').catch((cause: Error) => {
    throw invalidProposal(`cannot read the proposal: ${cause.message}`, cause);
  });
  const { size } = await file.stat();
  if (size > MAX_BYTES) throw invalidProposal(`${path}: wanted at most ${MAX_BYTES} bytes`);
  try {
    return JSON.parse(await file.readFile('utf8'));
  } catch (cause) {
    throw invalidProposal(`${path}: wanted JSON, found something else`, cause);
  }
}

export async function writeProposal(path: string, proposal: Proposal): Promise<void> {
  writeFileAtomicSync(path, `${JSON.stringify(proposal, null, 1)}\n`, { mode: 0o644 });
}
