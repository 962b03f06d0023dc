import type { Metadata, Root } from '@tufjs/models';
import type { Keyring } from '../keys/keyring.ts';
import { type Delegators, keysOf, verifies } from '../metadata/delegation.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { Change } from './change.ts';

/**
 * A host may see a new root before the timestamp that follows it. When only a key that the new root
 * drops signed the current timestamp, such a host would refuse it (METADATA_UNSIGNED) until the
 * next upload. So snapshot and timestamp are signed with the old and the new keys, and uploaded
 * before the root: hosts with either root can then follow at every moment. Returns the delegators
 * of the old keys; undefined when no host would notice, or when the old keys are not here.
 */
export function previousDelegators(
  keyring: Keyring,
  verified: VerifiedMetadata,
  { change, root }: { readonly change: Change; readonly root: Metadata<Root> },
): Delegators | undefined {
  const { targets, snapshot, timestamp, distrusted } = verified;
  if (distrusted !== undefined) return undefined;
  const documents = { targets, snapshot, timestamp };
  const isNeeded = Object.entries(documents).some(
    ([role, document]) => document !== undefined && !verifies(root, role, document),
  );
  const earlier: Delegators = { root: verified.root, targets };
  const signed = ['snapshot', 'timestamp', ...(change.roles.has('targets') ? ['targets'] : [])];
  const isPossible = signed.every((role) => {
    const { keyIds, threshold } = keysOf(earlier, role);
    const draft = change.drafts?.get(role)?.signatures.map(({ keyid }) => keyid);
    const able = draft ?? keyring.signers.map(({ keyId }) => keyId);
    return keyIds.filter((id) => able.includes(id)).length >= threshold;
  });
  return isNeeded && isPossible ? earlier : undefined;
}
