import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { CodedError } from '../../shared/coded-error.ts';
import { roleWord } from '../../trust/metadata/role-names.ts';
import type { RoleKeys } from '../keys/keyring.ts';
import { parseSignedFile, type SignedFile } from './signed-file.ts';

/** A document that says who may sign a role. */
export type Delegator = Metadata<Root> | Metadata<Targets>;

/** The delegators while a commit is built. */
export interface Delegators {
  readonly root: Metadata<Root>;
  /** The document of this commit once it exists. */
  readonly targets: Metadata<Targets> | undefined;
}

/** The keys that may sign for a role; undefined when nothing delegates it. */
export function findKeys({ root, targets }: Delegators, role: string): RoleKeys | undefined {
  const found = isTopLevel(role)
    ? root.signed.roles[role]
    : targets?.signed.delegations?.roles?.[role];
  return found && { name: role, keyIds: found.keyIDs, threshold: found.threshold };
}

/** Like `findKeys`; throws METADATA_INVALID when nothing delegates the role. */
export function keysOf(delegators: Delegators, role: string): RoleKeys {
  const keys = findKeys(delegators, role);
  if (keys === undefined) throw refused(role, 'no document delegates it');
  return keys;
}

/**
 * Verifies a signed file as a client would, before it is uploaded. Throws METADATA_INVALID when it
 * has too few valid signatures, or when it lists a release of an environment that belongs to
 * another role.
 */
export function checkAsClient(delegators: Delegators, role: string, { bytes }: SignedFile): void {
  const kind = role === 'snapshot' || role === 'timestamp' ? role : 'targets';
  const document = parseSignedFile(bytes, kind);
  const delegator = isTopLevel(role) ? delegators.root : delegators.targets;
  try {
    delegator?.verifyDelegate(role, document);
  } catch (cause) {
    throw refused(role, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (!isTopLevel(role)) checkPaths(delegators, role, parseSignedFile(bytes, 'targets'));
}

/** Verifies a first root with its own keys. Throws METADATA_INVALID when that fails. */
export function checkRoot(root: Metadata<Root>): void {
  try {
    root.verifyDelegate('root', root);
  } catch (cause) {
    throw refused('root', cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function checkPaths({ targets }: Delegators, role: string, document: Metadata<Targets>): void {
  for (const path of Object.keys(document.signed.targets)) {
    const [answers] = targets?.signed.delegations?.rolesForTarget(path) ?? [];
    if (answers?.role !== role) {
      throw refused(role, `${path} belongs to ${answers?.role ?? 'no role'}`);
    }
  }
}

/** Whether root, and not targets, lists the keys of the role. */
export function isTopLevel(role: string): boolean {
  return ['root', 'targets', 'snapshot', 'timestamp'].includes(role);
}

/** Whether enough keys of the delegator have signed the document for that role. */
export function verifies(
  delegator: Delegator,
  role: string,
  document: Metadata<Root> | Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>,
): boolean {
  try {
    (delegator as Metadata<Root>).verifyDelegate(role, document as Metadata<Root>);
    return true;
  } catch {
    return false;
  }
}

/** The error for a document that hosts would refuse. */
export function refused(role: string, why: string, cause?: unknown): CodedError {
  return new CodedError(`hosts would refuse ${roleWord(role)} as it is signed here: ${why}`, {
    code: 'METADATA_INVALID',
    cause,
    next: 'check which signing keys are on this machine; nothing was uploaded',
    details: { role },
  });
}
