import { CodedError } from '../../bucket/coded-error.ts';
import { metadataKey } from '../../bucket/layout.ts';
import { type Base, type Change, versionOf } from './base.ts';
import type { Repository } from './commit.ts';
import { findKeys, refused } from './delegation.ts';
import type { RoleKeys } from './keyring.ts';
import { lint } from './lint.ts';
import { record } from './lint-parts.ts';
import { invalidProposal, type Proposal, type ProposedDocument } from './proposal-file.ts';
import { isSignedBy } from './public-key.ts';
import { listedKeys } from './role-keys.ts';
import { unique } from './sign-role.ts';
import {
  addSignatures,
  type Draft,
  draftOf,
  messageOf,
  parseContent,
  type RoleContent,
} from './signed-file.ts';
import type { TufKey } from './signer.ts';
import { putBlob } from './upload.ts';

/** A role of a proposal, and all who may sign it: by the word of today, and by that of the proposal itself. */
export interface Reviewed {
  readonly document: ProposedDocument;
  readonly draft: Draft;
  readonly wanted: readonly RoleKeys[];
}

/**
 * The change as a proposal, with the signatures of the keys at hand. Its blobs go into the bucket now: nobody asks for
 * them before it is committed.
 */
export async function propose(
  repository: Repository,
  base: Base,
  { change, by }: { readonly change: Change; readonly by: string },
): Promise<Proposal> {
  const { treeId, mode } = repository;
  const now = repository.now();
  for (const blob of change.blobs) await putBlob(repository, blob);
  const documents: ProposedDocument[] = [];
  const root = change.root === undefined ? [] : [['root', change.root] as const];
  for (const [role, content] of [...root, ...change.roles]) {
    const current = currentVersion(base, role);
    const version =
      role === 'root' ? current + 1 : await freeVersion(repository, role, current + 1);
    const { signed } = draftOf({ role, version, content, treeId, mode, now });
    documents.push({ role, base: current, signed: { ...signed }, signatures: [] });
  }
  const proposal: Proposal = {
    format: 'miyamoto-proposal',
    version: 1,
    tree: treeId,
    created: new Date(now).toISOString(),
    by,
    restart: change.restart === true,
    documents,
  };
  return (await signProposal(repository, proposal, reviewProposal(repository, base, proposal)))
    .proposal;
}

async function freeVersion(
  { bucket, tree }: Repository,
  role: string,
  from: number,
): Promise<number> {
  for (let version = from; ; version++) {
    try {
      await bucket.get(metadataKey(tree, `${version}.${role}.json`), { maxBytes: 4 * 1024 * 1024 });
    } catch (error) {
      const { code } = error instanceof CodedError ? error : {};
      if (code === 'S3_NOT_FOUND' || code === 'S3_ACCESS_DENIED') return version;
      throw error;
    }
  }
}

/**
 * Checks a proposal against what this person trusts: it must continue the very versions of today, pass the lint, and have
 * no signature that is wrong. Throws PROPOSAL_INVALID.
 */
export function reviewProposal(
  { treeId, now }: Pick<Repository, 'treeId' | 'now'>,
  base: Base,
  { documents }: Proposal,
): readonly Reviewed[] {
  const content = (role: string) => documents.find((each) => each.role === role)?.signed;
  for (const { role, base: continued, signed } of documents) {
    const current = currentVersion(base, role);
    if (continued !== current || !isNext(role, Number(signed['version']), current)) {
      throw invalidProposal(
        `the proposed ${role} continues version ${continued}, but ${current} is the one of today`,
      );
    }
    const type = role === 'root' ? 'root' : 'targets';
    const problems = lint(signed, { role, treeId, now: now() });
    if (signed['_type'] !== type) problems.push(`_type: wanted ${type}`);
    if (problems.length > 0) throw invalidProposal(`the proposed ${role}: ${problems.join('; ')}`);
  }
  const root = content('root');
  const targets = content('targets');
  const then = {
    root: root === undefined ? base.root : parseContent(root, 'root'),
    targets: targets === undefined ? base.targets : parseContent(targets, 'targets'),
  };
  const keys = { ...keysIn(root), ...keysIn(record(targets?.['delegations'])) };
  for (const { keyId, publicKey } of listedKeys(base)) keys[keyId] = publicKey;
  return documents.map((document) => {
    const { role } = document;
    // A new root needs the word of the old one as well; for all others that of the new delegator counts.
    const before = role === 'root' || role === 'targets' ? [findKeys(base, role)] : [];
    const wanted = [...before, findKeys(then, role)].filter((each) => each !== undefined);
    if (wanted.length === 0) throw refused(role, 'nobody is delegated for it');
    const draft: Draft = { role, signed: document.signed, signatures: document.signatures };
    assertGenuine(draft, keys);
    return { document, draft, wanted };
  });
}

function isNext(role: string, version: number, current: number): boolean {
  return role === 'root' ? version === current + 1 : version > current;
}

function keysIn(holder: unknown): Record<string, TufKey> {
  return { ...record(record(holder)['keys']) } as Record<string, TufKey>;
}

function assertGenuine(draft: Draft, keys: Readonly<Record<string, TufKey>>): void {
  const message = messageOf(draft);
  const seen = new Set<string>();
  for (const { keyid, sig } of draft.signatures) {
    const key = keys[keyid];
    const isGenuine = key !== undefined && isSignedBy(key, message, Buffer.from(sig, 'hex'));
    if (isGenuine && !seen.has(keyid)) seen.add(keyid);
    else
      throw invalidProposal(`a signature over ${draft.role} is not by key ${keyid.slice(0, 12)}`);
  }
}

/** Signs what keys at hand may sign. `added`: role and key id of each new signature. */
export async function signProposal(
  { keyring }: Pick<Repository, 'keyring'>,
  proposal: Proposal,
  reviewed: readonly Reviewed[],
): Promise<{ readonly proposal: Proposal; readonly added: readonly AddedSignature[] }> {
  const added: AddedSignature[] = [];
  const documents: ProposedDocument[] = [];
  for (const { document, draft, wanted } of reviewed) {
    const ids = new Set(wanted.flatMap(({ keyIds }) => keyIds));
    const signers = unique(keyring.signers.filter(({ keyId }) => ids.has(keyId)));
    const { signatures } = await addSignatures(draft, signers);
    for (const { keyid } of signatures.slice(draft.signatures.length)) {
      added.push({ role: document.role, keyId: keyid });
    }
    documents.push({ ...document, signatures: [...signatures] });
  }
  return { proposal: { ...proposal, documents }, added };
}

export interface AddedSignature {
  readonly role: string;
  readonly keyId: string;
}

/** Signatures that a role still needs; 0: enough. */
export function missingSignatures({ draft, wanted }: Reviewed): number {
  const counts = wanted.map(
    ({ keyIds, threshold }) =>
      threshold - draft.signatures.filter(({ keyid }) => keyIds.includes(keyid)).length,
  );
  return Math.max(0, ...counts);
}

/** The change that a proposal is; what it leaves behind unsigned is for `withAffected`. */
export function changeOf({ documents, restart }: Proposal): Change {
  const drafts = new Map<string, Draft>();
  const roles = new Map<string, RoleContent>();
  let root: RoleContent | undefined;
  for (const { role, signed, signatures } of documents) {
    drafts.set(role, { role, signed, signatures });
    if (role === 'root') root = { ...signed, _type: 'root' };
    else roles.set(role, { ...signed, _type: 'targets' });
  }
  return { blobs: [], roles, root, drafts, restart };
}

/** Whether this proposal is what the bucket has already: its commit went through, and only the answer was lost. */
export function isCommitted(base: Base, { documents }: Proposal): boolean {
  return documents.every(({ role, signed }) => {
    const document =
      role === 'root' ? base.root : role === 'targets' ? base.targets : base.roles.get(role);
    if (document === undefined) return false;
    const there = messageOf({ signed: { ...document.signed.toJSON() } as Record<string, unknown> });
    return there.equals(messageOf({ signed }));
  });
}

function currentVersion(base: Base, role: string): number {
  return role === 'root' ? base.root.signed.version : versionOf(base, role);
}
