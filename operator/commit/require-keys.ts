import { CodedError } from '../../shared/coded-error.ts';
import type { Keyring } from '../keys/keyring.ts';
import type { Signer } from '../keys/public/signer.ts';
import { findKeys } from '../metadata/delegation.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { Repository } from '../repository/repository.ts';
import type { Change } from './change.ts';
import { availableSigners, unique } from './sign-role.ts';

/*
 * Checks the keys before long work: gates, uploads, questions. Otherwise a publisher would wait for
 * minutes and learn at the first signature that a key is missing.
 */

type Publisher = Pick<Repository, 'keyring'>;

/** Throws KEY_MISSING when this machine has no signing key at all. */
export function requireAnyKey({ place, signers }: Keyring): void {
  if (signers.length > 0) return;
  throw new CodedError(`no signing key in ${place}`, {
    code: 'KEY_MISSING',
    next: 'mm key list shows who has which key; run this on the machine that has them, or give their directory with --keys DIR',
  });
}

/**
 * Throws KEY_MISSING when the keys of a role are not here, KEY_LOCKED when they have a passphrase
 * that cannot be asked for.
 */
export async function requireKeys(
  { keyring }: Publisher,
  verified: VerifiedMetadata,
  roles: readonly string[],
): Promise<void> {
  for (const { unlocking, unlock } of signersOf(keyring, verified, roles)) {
    if (unlocking === 'impossible') await unlock?.();
  }
}

/** Like {@link requireKeys}, and unlocks the keys, so that a wrong passphrase is found here. */
export async function unlockKeys(
  { keyring }: Publisher,
  verified: VerifiedMetadata,
  roles: readonly string[],
): Promise<void> {
  for (const { unlock } of signersOf(keyring, verified, roles)) await unlock?.();
}

/** The roles that a change signs, as far as their keys are known before it. */
export function rolesSigned({ roles, root, keepSnapshot, drafts }: Change): readonly string[] {
  // The keys of a new root are checked when it is signed, and drafts have signatures of others.
  if (root !== undefined || drafts !== undefined) return [];
  // A new targets says who signs for the environments.
  const signed = roles.has('targets') ? ['targets'] : [...roles.keys()];
  return [...signed, ...(keepSnapshot === true ? [] : ['snapshot']), 'timestamp'];
}

/** Throws KEY_MISSING. A role that a change adds has no keys yet. */
export function signersOf(
  keyring: Keyring,
  verified: VerifiedMetadata,
  roles: readonly string[],
): readonly Signer[] {
  const signers = roles.flatMap((role) => {
    const keys = findKeys(verified, role);
    return keys === undefined ? [] : [...availableSigners(keyring, keys)];
  });
  return unique(signers);
}
