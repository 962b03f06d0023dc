import type { Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { CodedError } from '../../shared/coded-error.ts';
import type { RoleKeys } from '../keys/keyring.ts';
import { parseSignedFile, type SignedFile } from './signed-file.ts';

/** Who speaks for whom, while a commit is put together. */
export interface Delegators {
  readonly root: Metadata<Root>;
  /** The one of this commit, as soon as there is one. */
  readonly targets: Metadata<Targets> | undefined;
}

/** Who may sign for a role; undefined when nobody is delegated for it. */
export function findKeys({ root, targets }: Delegators, role: string): RoleKeys | undefined {
  const found = isTopLevel(role)
    ? root.signed.roles[role]
    : targets?.signed.delegations?.roles?.[role];
  return found && { name: role, keyIds: found.keyIDs, threshold: found.threshold };
}

/** The same; throws METADATA_INVALID when there is nobody. */
export function keysOf(delegators: Delegators, role: string): RoleKeys {
  const keys = findKeys(delegators, role);
  if (keys === undefined) throw refused(role, 'nobody is delegated for it');
  return keys;
}

/**
 * Reads a signed file back as a client would, before anybody else can. Throws METADATA_INVALID when
 * its signatures do not reach the threshold, or when it has a release of an environment that
 * another role answers for.
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

/** A first root vouches for itself. Throws METADATA_INVALID when it does not. */
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
      throw refused(role, `${path} is answered for by ${answers?.role ?? 'nobody'}`);
    }
  }
}

/** Whether the root names who signs, not targets. */
export function isTopLevel(role: string): boolean {
  return !role.startsWith('env-');
}

/** Whether enough of the delegator's keys for that role have signed the document. */
export function verifies(
  delegator: Metadata<Root> | Metadata<Targets>,
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

/** What hosts would say of it. */
export function refused(role: string, why: string, cause?: unknown): CodedError {
  return new CodedError(`${role} as signed here would be refused by hosts: ${why}`, {
    code: 'METADATA_INVALID',
    cause,
    next: 'check which keys are at hand; nothing of it was uploaded',
    details: { role },
  });
}
