import type { Metadata, Targets } from '@tufjs/models';
import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { didYouMean } from '../../../shared/suggestion.ts';
import { readOffer } from '../../../trust/metadata/offer.ts';
import { releaseTarget } from '../../../trust/metadata/role-names.ts';
import { isNamed, RELEASE_NAMES } from '../../metadata/named-release.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import { olderFiles } from '../../repository/older-files.ts';
import type { Repository } from '../../repository/repository.ts';
import { requireBlob } from '../../repository/require-blob.ts';
import { describeTarget, isWithout } from './doubtful-releases.ts';

export interface WantedRelease {
  readonly role: string;
  readonly environment: string;
  /** As `isNamed` accepts it. */
  readonly given: string;
  /** Ids of the keys that are being removed. */
  readonly removed: readonly string[];
  /** sha256 of the releases that it replaces. Other keys may have signed their files again. */
  readonly not: readonly string[];
}

export interface Candidate {
  readonly release: OfferedRelease;
  readonly target: JsonObject;
  /** Whether it is valid without the keys that are being removed. */
  readonly isVouchedFor: boolean;
}

/**
 * The target of an earlier release of the environment, from an older file of its role. The holder
 * of a removed key may have written such files, too: a file that other keys signed is preferred,
 * and a label of two tarballs is refused. Throws USAGE, and RELEASE_INVALID when the tarball is
 * missing or is not the one that was signed.
 */
export async function earlierRelease(
  repository: Repository,
  verified: VerifiedMetadata,
  wanted: WantedRelease,
): Promise<JsonObject> {
  const { environment, given } = wanted;
  const named = await earlierReleases(repository, verified, wanted);
  const others = named.filter(({ release: { sha256 } }) => !wanted.not.includes(sha256));
  const all = others.length > 0 ? others : named;
  const vouchedFor = all.filter(({ isVouchedFor }) => isVouchedFor);
  const found = vouchedFor.length > 0 ? vouchedFor : all;
  const [release] = found;
  if (release === undefined) {
    const hint = didYouMean(given, await earlierVersions(repository, verified, wanted));
    throw new CodedError(
      `no earlier file of environment ${environment} has a release ${JSON.stringify(given)} that its keys signed${hint}`,
      { code: 'USAGE', next: `mm releases ${environment}, then name one by ${RELEASE_NAMES}` },
    );
  }
  if (new Set(found.map((each) => each.release.sha256)).size > 1) {
    const lines = found.map(({ target }) => describeTarget(target)).join('; ');
    throw new CodedError(
      `environment ${environment} has had more than one release ${JSON.stringify(given)}: ${lines}`,
      { code: 'USAGE', next: `name the right one by its sha256: --back-to ${environment}=SHA256` },
    );
  }
  const { target } = release;
  const { sha256, length } = release.release;
  await requireBlob(repository, { sha256, length, description: describeTarget(target) });
  return target;
}

/** Those that the given name fits, newest first. */
export async function earlierReleases(
  repository: Repository,
  verified: VerifiedMetadata,
  wanted: WantedRelease,
): Promise<Candidate[]> {
  const { role, environment, given, removed } = wanted;
  const found: Candidate[] = [];
  const path = releaseTarget(environment, 'current');
  for await (const { document, release } of releasesIn(repository, verified, wanted)) {
    if (!isNamed(release, given)) continue;
    const target = jsonObject(jsonObject(document.signed.toJSON()['targets'])[path]);
    const isVouchedFor = isWithout(verified, role, document, removed);
    found.push({ release, target, isVouchedFor });
  }
  return found;
}

/** The version labels of all earlier releases, for a message about an unknown label. */
export async function earlierVersions(
  repository: Repository,
  verified: VerifiedMetadata,
  wanted: Pick<WantedRelease, 'role' | 'environment'>,
): Promise<string[]> {
  const versions: string[] = [];
  for await (const { release } of releasesIn(repository, verified, wanted)) {
    versions.push(release.custom.version);
  }
  return versions;
}

/**
 * Those of the environments of the role that had a release in an earlier file. All of them when
 * these credentials may not list the files.
 */
export async function withEarlierRelease(
  repository: Repository,
  verified: VerifiedMetadata,
  role: string,
  environments: readonly string[],
): Promise<ReadonlySet<string>> {
  const open = new Set(environments);
  const found = new Set<string>();
  try {
    for await (const document of olderFiles(repository, verified, role)) {
      for (const environment of open) {
        if (currentIn(document, role, environment) === undefined) continue;
        found.add(environment);
        open.delete(environment);
      }
      if (open.size === 0) break;
    }
    return found;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'S3_ACCESS_DENIED')
      return new Set(environments);
    throw error;
  }
}

async function* releasesIn(
  repository: Repository,
  verified: VerifiedMetadata,
  { role, environment }: Pick<WantedRelease, 'role' | 'environment'>,
) {
  for await (const document of olderFiles(repository, verified, role)) {
    const release = currentIn(document, role, environment);
    if (release !== undefined) yield { document, release };
  }
}

function currentIn({ signed }: Metadata<Targets>, role: string, environment: string) {
  const path = releaseTarget(environment, 'current');
  const current = signed.targets[path];
  try {
    return current && readOffer(role, { [path]: current }, environment).current;
  } catch {
    return undefined; // a target that no host would accept
  }
}
