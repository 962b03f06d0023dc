import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { jsonObject } from '../../shared/json.ts';
import type { Change } from '../commit/change.ts';
import { unique } from '../commit/sign-role.ts';
import { putBlob } from '../commit/upload.ts';
import type { RoleKeys } from '../keys/keyring.ts';
import { isSignedBy } from '../keys/public-key.ts';
import type { TufKey } from '../keys/signer.ts';
import { findKeys, isTopLevel, refused } from '../metadata/delegation.ts';
import { lint } from '../metadata/lint/lint.ts';
import { listedKeys } from '../metadata/role-keys.ts';
import {
  addSignatures,
  type Draft,
  draftOf,
  messageOf,
  parseContent,
  type RoleContent,
} from '../metadata/signed-file.ts';
import { documentOf, type VerifiedMetadata, versionOf } from '../metadata/verified.ts';
import type { Repository } from '../repository/repository.ts';
import { bound } from './binding.ts';
import type { Proposal, ProposedDocument } from './file.ts';
import { invalidProposal } from './invalid-proposal.ts';

/**
 * A role of a proposal, and all who may sign it: by the word of today, and by that of the proposal
 * itself.
 */
export interface Reviewed {
  readonly document: ProposedDocument;
  readonly draft: Draft;
  /** Each of these thresholds must be reached. */
  readonly wanted: readonly RoleKeys[];
  /**
   * Whose signature is welcome as well: so that hosts can follow which have not seen the new root.
   */
  readonly also: readonly RoleKeys[];
}

/**
 * The change as a proposal, with the signatures of the keys at hand. Its blobs go into the bucket
 * now: nobody asks for them before it is committed.
 */
export async function propose(
  repository: Repository,
  verified: VerifiedMetadata,
  change: Change,
): Promise<Proposal> {
  const { treeId, mode } = repository;
  const now = repository.now();
  for (const blob of change.blobs) await putBlob(repository, blob);
  const documents: ProposedDocument[] = [];
  const root = change.root === undefined ? [] : [['root', change.root] as const];
  for (const [role, content] of [...root, ...change.roles]) {
    const current = currentVersion(verified, role);
    const version =
      role === 'root' ? current + 1 : await freeVersion(repository, role, current + 1);
    const { signed } = draftOf({ role, version, content, treeId, mode, now });
    documents.push({ role, base: current, signed: { ...signed }, signatures: [] });
  }
  const proposal: Proposal = {
    format: 'miyamoto-proposal',
    version: 2,
    tree: treeId,
    documents: bound(documents),
  };
  return (await signProposal(repository, proposal, reviewProposal(repository, verified, proposal)))
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
 * Checks a proposal against what this person trusts: it must continue the very versions of today,
 * pass the lint, and have no signature that is wrong. Throws PROPOSAL_INVALID.
 */
export function reviewProposal(
  { treeId, now }: Pick<Repository, 'treeId' | 'now'>,
  verified: VerifiedMetadata,
  { documents }: Proposal,
): readonly Reviewed[] {
  const content = (role: string) => documents.find((each) => each.role === role)?.signed;
  for (const { role, base: continued, signed } of documents) {
    const current = currentVersion(verified, role);
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
    root: root === undefined ? verified.root : parseContent(root, 'root'),
    targets: targets === undefined ? verified.targets : parseContent(targets, 'targets'),
  };
  const keys = { ...keysIn(root), ...keysIn(jsonObject(targets?.['delegations'])) };
  for (const { keyId, publicKey } of listedKeys(verified)) keys[keyId] = publicKey;
  return documents.map((document) => {
    const { role } = document;
    const before = isTopLevel(role) ? [findKeys(verified, role)].filter(isThere) : [];
    const after = [findKeys(then, role)].filter(isThere);
    // A new root needs the word of the old one as well; for all others that of the new delegator
    // counts.
    const wanted = role === 'root' ? [...before, ...after] : after;
    if (after.length === 0) throw refused(role, 'nobody is delegated for it');
    const draft: Draft = { role, signed: document.signed, signatures: document.signatures };
    assertGenuine(draft, keys);
    return { document, draft, wanted, also: role === 'root' ? [] : before };
  });
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function isNext(role: string, version: number, current: number): boolean {
  return role === 'root' ? version === current + 1 : version > current;
}

function keysIn(holder: unknown): Record<string, TufKey> {
  return { ...jsonObject(jsonObject(holder)['keys']) } as Record<string, TufKey>;
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
  for (const { document, draft, wanted, also } of reviewed) {
    const ids = new Set([...wanted, ...also].flatMap(({ keyIds }) => keyIds));
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

/** Signatures that are still to come, by role. */
export function missingIn(
  repository: Pick<Repository, 'treeId' | 'now'>,
  verified: VerifiedMetadata,
  proposal: Proposal,
): Record<string, number> {
  const reviewed = reviewProposal(repository, verified, proposal);
  const missing = reviewed.map((each) => [each.document.role, missingSignatures(each)] as const);
  return Object.fromEntries(missing.filter(([, count]) => count > 0));
}

/**
 * The change that a proposal is. Whether versions of snapshot and timestamp begin again follows
 * from the keys in its root, see `planVersions`.
 */
export function changeOf({ documents }: Proposal): Change {
  const drafts = new Map<string, Draft>();
  const roles = new Map<string, RoleContent>();
  let root: RoleContent | undefined;
  for (const { role, signed, signatures } of documents) {
    drafts.set(role, { role, signed, signatures });
    if (role === 'root') root = { ...signed, _type: 'root' };
    else roles.set(role, { ...signed, _type: 'targets' });
  }
  return { blobs: [], roles, root, drafts };
}

/**
 * What of a proposal the bucket does not have yet: a commit may have been ended half-way, or its
 * answer was lost.
 */
export function remainingOf(verified: VerifiedMetadata, proposal: Proposal): Proposal {
  const documents = proposal.documents.filter(({ role, signed }) => {
    const there = documentOf(verified, role);
    if (there === undefined) return true;
    const current = messageOf({ signed: there });
    return !current.equals(messageOf({ signed }));
  });
  return { ...proposal, documents };
}

function currentVersion(verified: VerifiedMetadata, role: string): number {
  return role === 'root' ? verified.root.signed.version : versionOf(verified, role);
}
