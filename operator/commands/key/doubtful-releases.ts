import type { Metadata, Targets } from '@tufjs/models';
import { printable } from '../../../shared/clean-text.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { maxSignedBytes } from '../../../trust/metadata/file-limits.ts';
import { binaryTarget } from '../../../trust/metadata/role-names.ts';
import { verifies } from '../../metadata/delegation.ts';
import { lintRelease } from '../../metadata/lint/targets.ts';
import { listedKeys } from '../../metadata/role-keys.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { roleHistory } from '../../repository/past-states.ts';
import type { Repository } from '../../repository/repository.ts';
import { cleanRole } from './clean-role.ts';
import { isVouchedFor } from './vouched-release.ts';

/** A release of an environment, or a binary, that a holder of the removed keys may have chosen. */
export interface DoubtfulRelease {
  readonly role: string;
  /** The part of the path before the last slash; of binaries `binaries/files`. */
  readonly environment: string;
  /** `current` or `next`, or another name when the signer wrote a target that hosts do not read. */
  readonly slot: string;
  readonly sha256: string;
  /** The name of the target: `testing/current`. */
  readonly path: string;
  /** Differs when anything in the target differs. */
  readonly identity: string;
  /** One line for a person: version, commit, time, sha256, signers. */
  readonly description: string;
  /** Why mm does not sign it; empty for a sound one. */
  readonly problems: readonly string[];
  /** Whether its files show that a remaining key chose it. Reads the history of the role. */
  isVouchedFor(): Promise<boolean>;
}

/**
 * The releases in these roles for which the signatures of the removed keys are needed to reach the
 * threshold, and those that other keys only signed again. The holder of a removed key may be a
 * thief, so the fields may have any content.
 */
export async function doubtfulReleases(
  repository: Repository,
  verified: VerifiedMetadata,
  { removed, roles }: { readonly removed: readonly string[]; readonly roles: readonly string[] },
): Promise<DoubtfulRelease[]> {
  const found: DoubtfulRelease[] = [];
  for (const [role, document] of verified.roles) {
    if (!roles.includes(role)) continue;
    // A list can have thousands of binaries, and each signature covers all of them.
    const known = new Map<Metadata<Targets>, boolean>();
    const isGood = (each: Metadata<Targets>) => {
      const good = known.get(each) ?? isWithout(verified, role, each, removed);
      known.set(each, good);
      return good;
    };
    const history = roleHistory(repository, verified, role);
    for (const release of releasesIn(verified, role, document)) {
      const vouched = () => isVouchedFor(history, release, isGood);
      if (!isGood(document)) found.push({ ...release, isVouchedFor: vouched });
      else if (!(await vouched())) {
        const description = `${release.description}; its files do not show that a remaining key chose it`;
        found.push({ ...release, description, isVouchedFor: () => Promise.resolve(false) });
      }
    }
  }
  return found;
}

/** Returns the roles that hosts would refuse without the signatures of the removed keys. */
export function doubtfulRoles(
  verified: VerifiedMetadata,
  removed: readonly string[],
  roles: readonly string[],
): string[] {
  return [...verified.roles]
    .filter(
      ([role, document]) => roles.includes(role) && !isWithout(verified, role, document, removed),
    )
    .map(([role]) => role);
}

/** Whether the other keys of the role, as they are today, reach the threshold. */
export function isWithout(
  { targets }: VerifiedMetadata,
  role: string,
  document: Metadata<Targets>,
  removed: readonly string[],
): boolean {
  return targets !== undefined && verifies(targets, role, withoutSignatures(document, removed));
}

/** A copy without the signatures of these keys. */
function withoutSignatures(
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
): Omit<DoubtfulRelease, 'isVouchedFor'>[] {
  const names = new Map(listedKeys(verified).map(({ keyId, name }) => [keyId, name]));
  const allowed = verified.targets?.signed.delegations?.roles?.[role]?.keyIDs ?? [];
  const signers = allowed
    .filter((keyId) => document.signatures[keyId] !== undefined)
    .map((keyId) => `${names.get(keyId) ?? ''} ${keyId.slice(0, 12)}`.trim());
  const { targets } = cleanRole(verified, role);
  return Object.entries(jsonObject(targets)).map(([path, target]) => {
    const [, environment = '', slot = ''] = /^(.*)\/([^/]*)$/.exec(path) ?? [];
    const sha256 = String(jsonObject(jsonObject(target)['hashes'])['sha256']);
    const description = printable(
      `${path}: ${describeTarget(jsonObject(target))}, signed by ${signers.join(' and ')}`,
      1000,
    );
    const problems = problemsOf(path, jsonObject(target));
    const isSound = problems.length === 0;
    const described = isSound ? description : `${description}; mm does not sign it: ${problems[0]}`;
    const identity = JSON.stringify([role, path, target]);
    return { role, environment, slot, path, sha256, identity, description: described, problems };
  });
}

/** Binaries have no earlier state to go back to. */
export function isOfBinaries(environment: string): boolean {
  return binaryTarget('') === `${environment}/`;
}

/** Limit of the lines about one role: a list can have thousands of binaries. */
export const MAX_LINES = 100;

export function releaseLines(doubtful: readonly DoubtfulRelease[]): string[] {
  const lines = doubtful.slice(0, MAX_LINES).map(({ description }) => description);
  const more = doubtful.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more: mm binaries list`] : lines;
}

/**
 * The limit of a release: the file of a role has room for whatever hosts read, but mm signs less.
 */
const MAX_TARGET_BYTES = maxSignedBytes('targets') - 16_384;

/** Binaries that mm does not sign are dropped before. */
function problemsOf(path: string, target: JsonObject): string[] {
  if (path.startsWith(binaryTarget(''))) return [];
  const bytes = Buffer.byteLength(JSON.stringify(target));
  const size = bytes > MAX_TARGET_BYTES ? [`${path}: ${bytes} bytes are too large`] : [];
  return [...lintRelease(path, target), ...size].map((problem) => printable(problem, 300));
}

/** Version, commit, time and sha256 of a release, or time and sha256 of a binary, in one line. */
export function describeTarget(target: JsonObject): string {
  const { version, commit, created, at, minAgent } = jsonObject(target['custom']);
  const sha256 = jsonObject(target['hashes'])['sha256'];
  const of = (field: unknown, max: number) => printable(String(field ?? 'none'), max);
  if (at !== undefined) return `signed first ${of(at, 40)}, sha256 ${of(sha256, 64)}`;
  const agents =
    typeof minAgent !== 'string' ? '' : `, only for agents from ${of(minAgent, 64)} on`;
  return `release ${of(version, 64)}, commit ${of(commit, 64)}, created ${of(created, 40)}${agents}, sha256 ${of(sha256, 64)}`;
}
