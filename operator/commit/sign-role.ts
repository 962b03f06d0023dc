import { CodedError } from '../../shared/coded-error.ts';
import { counted } from '../../shared/counted.ts';
import { roleWord } from '../../trust/metadata/role-names.ts';
import { type Keyring, type RoleKeys, signersFor } from '../keys/keyring.ts';
import type { Signer } from '../keys/public/signer.ts';
import { checkAsClient, type Delegators, isTopLevel, keysOf } from '../metadata/delegation.ts';
import {
  type Draft,
  draftToFile,
  type RoleContent,
  type SignedFile,
  signFile,
} from '../metadata/signed-file.ts';
import type { Repository } from '../repository/repository.ts';

/** The signers, and the documents that delegate to them. */
export interface Signing {
  readonly repository: Repository;
  readonly delegators: Delegators;
  /**
   * Delegators of hosts that have not seen the new root yet. These hosts must be able to follow
   * until they see it.
   */
  readonly previous: Delegators | undefined;
}

/**
 * Signs with the available keys, and verifies the result as each kind of host would. Throws KEY_*,
 * METADATA_INVALID.
 */
export async function signCompletely(
  signing: Signing,
  { role, content, version }: { role: string; content: RoleContent; version: number },
): Promise<SignedFile> {
  const { keyring, treeId, mode, now } = signing.repository;
  const signers = audiences(signing, role).flatMap((each) => [
    ...availableSigners(keyring, keysOf(each, role)),
  ]);
  const request = { role, content, version, treeId, mode, now: now() };
  return checked(signing, role, await signFile({ ...request, signers: unique(signers) }));
}

/** Like `signersFor`. When several people must sign, the error names the next command. */
export function availableSigners(keyring: Keyring, keys: RoleKeys): readonly Signer[] {
  try {
    return signersFor(keyring, keys);
  } catch (error) {
    if (!(error instanceof CodedError) || keys.threshold === 1) throw error;
    throw new CodedError(error.message, {
      code: error.code,
      cause: error,
      next: 'run the same command with --out FILE; then the owner of another key runs mm root sign FILE',
      details: error.details,
    });
  }
}

/**
 * The file of a draft that others have signed. No key of this machine signs it: the person was only
 * asked to upload it. Throws KEY_MISSING when signatures are missing.
 */
export function signedByOthers(signing: Signing, draft: Draft): SignedFile {
  for (const each of audiences(signing, draft.role)) assertEnough(draft, keysOf(each, draft.role));
  return checked(signing, draft.role, draftToFile(draft, signing.repository.treeId));
}

/** Throws KEY_MISSING, with the number of signatures and the keys that can still sign. */
export function assertEnough(draft: Draft, keys: RoleKeys): void {
  const signed = keys.keyIds.filter((id) => draft.signatures.some(({ keyid }) => keyid === id));
  if (signed.length >= keys.threshold) return;
  const others = keys.keyIds.filter((id) => !signed.includes(id)).map((id) => id.slice(0, 12));
  throw new CodedError(
    `${roleWord(draft.role)} needs ${counted(keys.threshold, 'signature')} and has ${signed.length}; it may still be signed by ${others.join(', ')}`,
    {
      code: 'KEY_MISSING',
      next: 'mm root sign FILE, run by an owner of one of these keys',
      details: { role: draft.role, threshold: keys.threshold, signed: signed.length },
    },
  );
}

/** Verifies a file as each kind of host would. Throws METADATA_INVALID. */
export function checked(
  { delegators, previous }: Signing,
  role: string,
  file: SignedFile,
): SignedFile {
  checkAsClient(delegators, role, file);
  if (previous !== undefined && isTopLevel(role)) checkAsClient(previous, role, file);
  return file;
}

/**
 * Targets delegates the environments, and hosts get both through the snapshot. So only the roles
 * that root lists are verified twice.
 */
function audiences({ delegators, previous }: Signing, role: string): readonly Delegators[] {
  return previous !== undefined && isTopLevel(role) ? [delegators, previous] : [delegators];
}

export function unique(signers: readonly Signer[]): readonly Signer[] {
  return [...new Map(signers.map((signer) => [signer.keyId, signer])).values()];
}
