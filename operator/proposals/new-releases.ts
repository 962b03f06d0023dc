import { type OfferedRelease, ReleaseCustom } from '../../bucket/documents/release.ts';
import { jsonObject } from '../../shared/json.ts';
import { MAKING } from '../metadata/release-change.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';
import type { ProposedDocument } from './file.ts';
import { invalidProposal } from './invalid-proposal.ts';

/** A release that a proposal brings, and that its environment does not have now. */
export interface NewRelease extends OfferedRelease {
  readonly environment: string;
  /** `stable/current` */
  readonly path: string;
}

/**
 * The releases in the proposed documents. Those that the same environment has already, by sha256
 * and by where they are from, are left out: a renewal brings no release. One that says it was
 * published once more is not: `isMadeBy` will believe that. The present release can say the same,
 * because a thief chose what it says, so the version that would be signed decides. Throws
 * PROPOSAL_INVALID.
 */
export function newReleases(
  verified: VerifiedMetadata,
  documents: readonly ProposedDocument[],
): NewRelease[] {
  const delegated = documents.filter(({ role }) => role.startsWith('env-'));
  return delegated.flatMap(({ signed }) =>
    Object.entries(jsonObject(signed['targets']))
      .map(([path, target]) => ({ path, release: releaseOf(path, target) }))
      .filter(({ path, release }) => isNew(release, presentAt(verified, path), signed['version']))
      .map(({ path, release }) => ({ ...release, path, environment: path.split('/')[0] ?? '' })),
  );
}

/**
 * Looks for the release as hosts do: by the paths that targets delegates, whatever other roles
 * list.
 */
function presentAt(verified: VerifiedMetadata, path: string): OfferedRelease | undefined {
  const [found] = verified.targets?.signed.delegations?.rolesForTarget(path) ?? [];
  const target =
    found === undefined ? undefined : verified.roles.get(found.role)?.signed.targets[path];
  return target && releaseOf(path, target.toJSON());
}

function releaseOf(path: string, target: unknown): OfferedRelease {
  const { hashes, length, custom } = jsonObject(target);
  const parsed = ReleaseCustom.safeParse(custom);
  if (!parsed.success) throw invalidProposal(`${path} is not a release`);
  return {
    sha256: String(jsonObject(hashes)['sha256']),
    length: Number(length),
    custom: parsed.data,
  };
}

function isNew(
  release: OfferedRelease,
  present: OfferedRelease | undefined,
  version: unknown,
): boolean {
  if (present === undefined || originOf(release) !== originOf(present)) return true;
  const { change } = release.custom;
  if (!MAKING.has(change?.action)) return false;
  return change?.after === Number(version) - 1 || change?.after !== present.custom.change?.after;
}

/** The identity of a tarball and its stated source, as one text. */
function originOf({ sha256, length, custom }: OfferedRelease): string {
  const { version, commit, ref = null, packedFor = null, links = null } = custom;
  return JSON.stringify([sha256, length, version, commit, ref, packedFor, links]);
}
