import { z } from 'zod';
import { printable } from '../../shared/clean-text.ts';
import { shellWord } from '../../shared/shell-word.ts';
import { roleWord } from '../../trust/metadata/role-names.ts';
import { canSign, type RoleKeys } from '../keys/keyring.ts';
import { findKeys } from '../metadata/delegation.ts';
import { listedKeys } from '../metadata/role-keys.ts';
import { parseContent } from '../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { Repository } from '../repository/repository.ts';
import type { Proposal } from './file.ts';
import { changeOf, type Reviewed, reviewProposal } from './proposal.ts';

const RoleSignatures = z.looseObject({
  /** TUF's name of the role. */
  role: z.string(),
  signed: z.int(),
  needed: z.int(),
  keys: z.int(),
  /** Names of the keys that have not signed. */
  others: z.array(z.string()),
});
type RoleSignatures = z.infer<typeof RoleSignatures>;

/** Who has signed a proposal, who may still sign it, and who may commit it. In `--json` answers. */
export const Handover = z.looseObject({
  roles: z.array(RoleSignatures),
  /** Names of the keys that commit: those of snapshot and timestamp. */
  committers: z.array(z.string()),
  /** This machine has these keys. */
  canCommitHere: z.boolean(),
});
export type Handover = z.infer<typeof Handover>;

/** Throws PROPOSAL_INVALID. */
export function handoverOf(
  repository: Pick<Repository, 'treeId' | 'now' | 'keyring'>,
  verified: VerifiedMetadata,
  proposal: Proposal,
): Handover {
  const names = namesIn(verified, proposal);
  const reviewed = reviewProposal(repository, verified, proposal);
  const { root } = changeOf(proposal);
  const newest = root === undefined ? verified.root : parseContent(root, 'root');
  const online = ['snapshot', 'timestamp'].flatMap((role) => {
    return findKeys({ root: newest, targets: verified.targets }, role) ?? [];
  });
  const committers = new Set(online.flatMap(({ keyIds }) => keyIds).map(names));
  return {
    roles: reviewed.map((each) => signaturesOf(each, names)),
    committers: [...committers],
    canCommitHere: online.every((keys) => canSign(repository.keyring, keys)),
  };
}

/** The roles that still need signatures. */
export function openRoles({ roles }: Pick<Handover, 'roles'>): RoleSignatures[] {
  return roles.filter(({ signed, needed }) => signed < needed);
}

/** Signatures that are still to come, by role. */
export function missingIn(handover: Handover): Record<string, number> {
  return Object.fromEntries(
    openRoles(handover).map(({ role, signed, needed }) => [role, needed - signed]),
  );
}

/** What a person does next with the file. */
export function handoverLines(path: string, { roles, ...rest }: Handover): string[] {
  const { committers, canCommitHere } = rest;
  const counts = roles.map((each) => {
    const { role, signed, needed, keys, others } = each;
    const word = roleWord(role);
    if (signed >= needed) return `${word}: enough have signed (${signed} of ${keys})`;
    const who = others.join(', ');
    return `${word}: ${signed} of ${keys} have signed, ${needed} are needed; it can still be signed by ${who}`;
  });
  const open = openRoles({ roles });
  if (open.length > 0) {
    const whom = [...new Set(open.flatMap(({ others }) => others))].join(' or ');
    return [...counts, `next: send ${path} to ${whom}, who runs: mm root sign FILE`];
  }
  const holder = `, by the person who has the online key (${committers.join(' or ')})`;
  return [...counts, `next: mm root commit ${shellWord(path)}${canCommitHere ? '' : holder}`];
}

function signaturesOf(
  { document, draft, wanted }: Reviewed,
  names: (keyId: string) => string,
): RoleSignatures {
  const counts = wanted.map((keys) => count(draft.signatures, keys));
  // A new root needs the keys of both roots: the one with the most open signatures counts.
  const [worst] = counts.sort((a, b) => b.needed - b.signed - (a.needed - a.signed));
  const { needed = 0, signed = 0, keyIds = [] } = worst ?? {};
  const open = keyIds.filter((id) => !draft.signatures.some(({ keyid }) => keyid === id));
  return { role: document.role, signed, needed, keys: keyIds.length, others: open.map(names) };
}

function count(signatures: Reviewed['draft']['signatures'], { keyIds, threshold }: RoleKeys) {
  const signed = signatures.filter(({ keyid }) => keyIds.includes(keyid)).length;
  return { keyIds, needed: threshold, signed };
}

/** A name is only a label. A key without a name has the beginning of its id. */
function namesIn(verified: VerifiedMetadata, proposal: Proposal): (keyId: string) => string {
  const proposed = proposal.documents.map(({ signed }) => signed['x-key-names']);
  const known = Object.fromEntries(listedKeys(verified).map(({ keyId, name }) => [keyId, name]));
  const all: Record<string, unknown> = Object.assign({}, ...proposed, known);
  return (keyId) => printable(String(all[keyId] ?? '') || keyId.slice(0, 12), 64);
}
