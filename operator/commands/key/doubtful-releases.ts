import type { Metadata, Targets } from '@tufjs/models';
import { printable } from '../../../shared/clean-text.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { isTopLevel, verifies } from '../../metadata/delegation.ts';
import { listedKeys } from '../../metadata/role-keys.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';

/** The release of an environment that hosts would no longer accept without the removed keys. */
export interface DoubtfulRelease {
  readonly role: string;
  readonly environment: string;
  /**
   * `current` or `next`; other words only when the signer wrote a target that hosts do not read.
   */
  readonly slot: string;
  readonly sha256: string;
  /** One line for a person: version, commit, time, sha256, signers. */
  readonly description: string;
}

/**
 * The releases for which the signatures of the removed keys were needed to reach the threshold. The
 * holder of such a key may be a thief, so the fields are read without the expectation that they
 * make sense.
 */
export function doubtfulReleases(
  verified: VerifiedMetadata,
  removed: readonly string[],
): DoubtfulRelease[] {
  const doubtful = [...verified.roles].filter(
    ([role, document]) => !isTopLevel(role) && isNeeded(verified, { role, document, removed }),
  );
  return doubtful.flatMap(([role, document]) => releasesIn(verified, role, document));
}

/** Whether the other keys of the role, as they are today, fail to reach the threshold. */
function isNeeded(
  { targets }: VerifiedMetadata,
  given: {
    readonly role: string;
    readonly document: Metadata<Targets>;
    readonly removed: readonly string[];
  },
): boolean {
  const { role, document, removed } = given;
  return targets !== undefined && !verifies(targets, role, withoutSignatures(document, removed));
}

/** A copy without the signatures of these keys. */
export function withoutSignatures(
  document: Metadata<Targets>,
  keyIds: readonly string[],
): Metadata<Targets> {
  const copy = Object.create(document, {
    signatures: {
      value: Object.fromEntries(
        Object.entries(document.signatures).filter(([keyId]) => !keyIds.includes(keyId)),
      ),
    },
  });
  return copy as Metadata<Targets>;
}

function releasesIn(
  verified: VerifiedMetadata,
  role: string,
  document: Metadata<Targets>,
): DoubtfulRelease[] {
  const names = new Map(listedKeys(verified).map(({ keyId, name }) => [keyId, name]));
  const allowed = verified.targets?.signed.delegations?.roles?.[role]?.keyIDs ?? [];
  const signers = allowed
    .filter((keyId) => document.signatures[keyId] !== undefined)
    .map((keyId) => `${names.get(keyId) ?? ''} ${keyId.slice(0, 12)}`.trim());
  return Object.entries(jsonObject(document.signed.toJSON()['targets'])).map(([path, target]) => {
    const [environment = '', slot = ''] = path.split('/');
    const sha256 = String(jsonObject(jsonObject(target)['hashes'])['sha256']);
    const description = printable(
      `${path}: ${describeTarget(jsonObject(target))}, signed by ${signers.join(' and ')}`,
      1000,
    );
    return { role, environment, slot, sha256, description };
  });
}

/** Version, commit, time and sha256 of a target, in one line. */
export function describeTarget(target: JsonObject): string {
  const { version, commit, created } = jsonObject(target['custom']);
  const sha256 = String(jsonObject(target['hashes'])['sha256']);
  const of = (field: unknown, max: number) => printable(String(field ?? 'none'), max);
  return `release ${of(version, 64)}, commit ${of(commit, 64)}, created ${of(created, 40)}, sha256 ${of(sha256, 64)}`;
}
