import { type JsonObject, jsonObject } from '../../shared/json.ts';
import { roleWord } from '../../trust/metadata/role-names.ts';
import { isVersion } from '../../trust/metadata/version-limits.ts';
import type { Change } from '../commit/change.ts';
import { requireAgreed } from '../commit/consistent.ts';
import { unique } from '../commit/sign-role.ts';
import { putBlob } from '../commit/upload.ts';
import {
  areOnlineKeysReplaced,
  freeVersion,
  MAX_SKIPPED,
  planVersions,
} from '../commit/versions.ts';
import type { Keyring, RoleKeys } from '../keys/keyring.ts';
import { isSignedBy } from '../keys/public/public-key.ts';
import type { Signer, TufKey } from '../keys/public/signer.ts';
import { findKeys, isTopLevel, refused } from '../metadata/delegation.ts';
import { expiresAt, isRenewalDue } from '../metadata/expiry-days.ts';
import { lint } from '../metadata/lint/lint.ts';
import { listedKeys } from '../metadata/role-keys.ts';
import {
  addSignatures,
  type Draft,
  draftOf,
  draftToFile,
  messageOf,
  parseContent,
  type RoleContent,
} from '../metadata/signed-file.ts';
import { documentOf, type VerifiedMetadata, versionOf } from '../metadata/verified.ts';
import type { Repository } from '../repository/repository.ts';
import { bound } from './binding.ts';
import { diffDocuments } from './diff.ts';
import type { Proposal, ProposedDocument } from './file.ts';
import { invalidProposal } from './invalid-proposal.ts';
import { lintVersionLabels } from './version-labels.ts';

/*
 * A change that several people sign, as a file that they send to each other (file.ts). binding.ts
 * makes each signature cover the whole file, diff.ts shows a signer every value, and complete.ts
 * refuses a change that would leave a role without valid signatures.
 */

/**
 * A role of a proposal, and the keys that may sign it: by the current metadata, and by the proposal
 * itself.
 */
export interface Reviewed {
  readonly document: ProposedDocument;
  readonly draft: Draft;
  /** Each of these thresholds must be reached. */
  readonly wanted: readonly RoleKeys[];
  /**
   * Keys whose signatures are optional: with them, hosts that have not seen the new root can
   * follow.
   */
  readonly also: readonly RoleKeys[];
}

/**
 * The change as a proposal, with the signatures of the keys on this machine. Its blobs are uploaded
 * now: no host reads them before the commit.
 */
export async function propose(
  repository: Repository,
  verified: VerifiedMetadata,
  change: Change,
): Promise<Proposal> {
  requireAgreed(verified);
  const { treeId, mode } = repository;
  const now = repository.now();
  const documents: ProposedDocument[] = [];
  const root = change.root === undefined ? [] : [['root', change.root] as const];
  const next = change.root === undefined ? verified.root : parseContent(change.root, 'root');
  // A root that is committed from a proposal restarts versions whenever it can.
  const versions = planVersions(verified, { ...change, restart: true }, next);
  for (const [role, content] of [...root, ...change.roles]) {
    const current = currentVersion(verified, role);
    const version =
      role === 'root' ? current + 1 : await freeVersion(repository, role, versions.of(role));
    const { signed } = draftOf({ role, version, content, treeId, mode, now });
    documents.push({ role, base: current, signed: { ...signed }, signatures: [] });
  }
  const proposal: Proposal = {
    format: 'miyamoto-proposal',
    version: 2,
    tree: treeId,
    documents: bound(documents),
  };
  // What no signer could be shown is not proposed.
  diffDocuments(verified, proposal.documents);
  for (const blob of change.blobs) await putBlob(repository, blob);
  return (await signProposal(repository, proposal, reviewProposal(repository, verified, proposal)))
    .proposal;
}

/**
 * Checks a proposal against what this person trusts: it must continue exactly the current versions,
 * pass the lint, and have no wrong signature. Throws PROPOSAL_INVALID.
 */
export function reviewProposal(
  { treeId, now }: Pick<Repository, 'treeId' | 'now'>,
  verified: VerifiedMetadata,
  { documents }: Proposal,
): readonly Reviewed[] {
  const content = (role: string) => documents.find((each) => each.role === role)?.signed;
  for (const { role, signed } of documents) {
    const type = role === 'root' ? 'root' : 'targets';
    const problems = lint(signed, { role, treeId, now: now() });
    if (signed['_type'] !== type) problems.push(`_type: wanted ${type}`);
    problems.push(...lintLifetime(role, String(signed['expires']), now()));
    if (problems.length > 0)
      throw invalidProposal(`the proposed ${roleWord(role)}: ${problems.join('; ')}`);
    requireReadable(role, signed, treeId);
  }
  const root = content('root');
  const targets = content('targets');
  const then = {
    root: root === undefined ? verified.root : parseContent(root, 'root'),
    targets: targets === undefined ? verified.targets : parseContent(targets, 'targets'),
  };
  const isRestart = areOnlineKeysReplaced(verified.unfinishedSince ?? verified.root, then.root);
  for (const { role, base: continued, signed } of documents) {
    const current = currentVersion(verified, role);
    if (continued !== current || !isNext(role, Number(signed['version']), { current, isRestart })) {
      throw invalidProposal(
        `the proposed ${roleWord(role)} has version ${String(signed['version'])} and continues version ${continued}, but the current one is ${current}`,
      );
    }
    const present = documentOf(verified, role) ?? {};
    const isRevocation = targets !== undefined;
    const [problem] = lintVersionLabels({ role, signed }, { present, isRevocation });
    if (problem !== undefined) throw invalidProposal(`the proposed ${roleWord(role)}: ${problem}`);
  }
  const keys = { ...keysIn(root), ...keysIn(jsonObject(targets?.['delegations'])) };
  for (const { keyId, publicKey } of listedKeys(verified)) keys[keyId] = publicKey;
  return documents.map((document) => {
    const { role } = document;
    const before = isTopLevel(role) ? [findKeys(verified, role)].filter(isThere) : [];
    const after = [findKeys(then, role)].filter(isThere);
    // A new root must also be signed by the keys of the old one; every other role by those of its
    // new delegator.
    const wanted = role === 'root' ? [...before, ...after] : after;
    if (after.length === 0) throw refused(role, 'targets delegates no role of that name');
    const draft: Draft = { role, signed: document.signed, signatures: document.signatures };
    assertGenuine(draft, keys);
    return { document, draft, wanted, also: role === 'root' ? [] : before };
  });
}

/**
 * Signed content that hosts refuse would be in the way of every later version. Hosts verify
 * signatures over what the TUF library read, which leaves out values such as an empty list of
 * releases.
 */
function requireReadable(role: string, signed: JsonObject, treeId: string): void {
  try {
    draftToFile({ role, signed, signatures: [] }, treeId);
    const read = parseContent(signed, role === 'root' ? 'root' : 'targets').signed.toJSON();
    if (messageOf({ signed: read }).equals(messageOf({ signed }))) return;
    throw new Error('hosts would read other values, and find no valid signature');
  } catch (error) {
    throw invalidProposal(`the proposed ${roleWord(role)}: ${(error as Error).message}`);
  }
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

/**
 * A role near the last version starts again when the online keys change, see `planVersions`. No
 * honest proposal skips more versions than `freeVersion` does. A larger jump would use up the
 * versions.
 */
function isNext(
  role: string,
  version: number,
  { current, isRestart }: { readonly current: number; readonly isRestart: boolean },
): boolean {
  if (role === 'root') return version === current + 1;
  const isAgain = isRestart && !isVersion(current + 1);
  const before = isAgain ? 0 : current;
  return version > before && version <= before + MAX_SKIPPED;
}

/**
 * Checks the expiry. Nobody must be able to make signers sign for many years, or sign what expires
 * before they can sign again.
 */
function lintLifetime(role: string, expires: string, now: number): string[] {
  const latest = expiresAt(role, now + DAY_MS);
  if (Date.parse(expires) > Date.parse(latest)) return [`expires: wanted ${latest} at the latest`];
  return isRenewalDue(role, expires, { now })
    ? ['expires: it would be due for renewal at once']
    : [];
}

/** Tolerance in ms, because the clocks of two people differ. */
const DAY_MS = 86_400_000;

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
      throw invalidProposal(
        `a signature over ${roleWord(draft.role)} is not by key ${keyid.slice(0, 12)}`,
      );
  }
}

/** Signs with the keys on this machine. `added`: role and key id of each new signature. */
export async function signProposal(
  { keyring }: Pick<Repository, 'keyring'>,
  proposal: Proposal,
  reviewed: readonly Reviewed[],
): Promise<{ readonly proposal: Proposal; readonly added: readonly AddedSignature[] }> {
  const added: AddedSignature[] = [];
  const documents: ProposedDocument[] = [];
  for (const each of reviewed) {
    const { document, draft } = each;
    const { signatures } = await addSignatures(draft, signersIn(keyring, each));
    for (const { keyid } of signatures.slice(draft.signatures.length)) {
      added.push({ role: document.role, keyId: keyid });
    }
    documents.push({ ...document, signatures: [...signatures] });
  }
  return { proposal: { ...proposal, documents }, added };
}

/** The signers of this machine for a role of a proposal, also those that have signed. */
function signersIn({ signers }: Keyring, { wanted, also }: Reviewed): readonly Signer[] {
  const ids = new Set([...wanted, ...also].flatMap(({ keyIds }) => keyIds));
  return unique(signers.filter(({ keyId }) => ids.has(keyId)));
}

/** Whether a key of this machine would add a signature. */
export function isSignable(keyring: Keyring, reviewed: readonly Reviewed[]): boolean {
  return reviewed.some((each) => {
    const signed = each.draft.signatures.map(({ keyid }) => keyid);
    return signersIn(keyring, each).some(({ keyId }) => !signed.includes(keyId));
  });
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

/**
 * The change of a proposal. The keys in its root decide whether versions of snapshot and timestamp
 * start again, see `planVersions`.
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
 * The documents of a proposal that are not in the bucket yet: an earlier commit may have been
 * interrupted, or its answer was lost.
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
