import type { OfferedRelease, ReleaseCustom } from '../../../bucket/documents/release.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { jsonObject } from '../../../shared/json.ts';
import { releaseTarget } from '../../../trust/metadata/role-names.ts';
import type { Planned } from '../../commit/commit.ts';
import { isRenewalDue, type SigningMode } from '../../metadata/expiry-days.ts';
import type { RoleContent } from '../../metadata/signed-file.ts';
import { contentOf, offerOf, type VerifiedMetadata } from '../../metadata/verified.ts';
import type { Tarball } from '../../release/pack.ts';
import type { SourceTree } from '../../release/tree.ts';
import { assertVersion, nextVersion } from '../../release/version-label.ts';

/** A publication as the operator asked for it. It stays the same when the commit is retried. */
export interface PublishRequest {
  readonly environment: string;
  /** `--version`. */
  readonly version: string | undefined;
  readonly reason: string;
  /** Publish also when the environment already has this release. */
  readonly force: boolean;
  readonly by: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly mode?: SigningMode | undefined;
  readonly source: Pick<SourceTree, 'commit'>;
  /** The same version gives the same tarball. */
  pack(version: string): Promise<Tarball>;
}

export interface PublishPlan {
  readonly outcome: 'published' | 'renewed' | 'unchanged';
  readonly release: OfferedRelease;
  readonly previous: OfferedRelease | undefined;
}

/**
 * Decides what a publication changes in the signed metadata. Throws ENVIRONMENT_UNKNOWN,
 * METADATA_INVALID, USAGE.
 */
export async function planPublication(
  request: PublishRequest,
  verified: VerifiedMetadata,
): Promise<Planned<PublishPlan>> {
  const { role, current } = offerOf(verified, request.environment);
  const isSame = current !== undefined && (await isCurrent(request, current));
  if (isSame && current.custom.release === releaseId(request.startedAt, current.sha256)) {
    // An earlier attempt of this same publication succeeded, and only its answer was lost.
    return nothing('published', current);
  }
  if (isSame && !request.force) {
    return isAnyRenewalDue(verified, role, request)
      ? change(
          'renewed',
          { content: contentOfRole(verified, role), role },
          { release: current, previous: current },
        )
      : nothing('unchanged', current);
  }
  const label = labelOf(request, { current, isSame });
  const tarball = await request.pack(label);
  const release = releaseOf(request, { tarball, label, current });
  const content = withRelease(contentOfRole(verified, role), request.environment, release);
  return change('published', { content, role }, { release, tarball, previous: current });
}

function nothing(outcome: PublishPlan['outcome'], release: OfferedRelease): Planned<PublishPlan> {
  const previous = outcome === 'unchanged' ? release : undefined;
  return { kind: 'nothing', answer: { outcome, release, previous } };
}

function change(
  outcome: PublishPlan['outcome'],
  { role, content }: { readonly role: string; readonly content: RoleContent },
  wanted: {
    readonly release: OfferedRelease;
    readonly tarball?: Tarball;
    readonly previous: OfferedRelease | undefined;
  },
): Planned<PublishPlan> {
  const { release, tarball, previous } = wanted;
  const blobs = tarball === undefined ? [] : [tarball];
  return {
    kind: 'change',
    change: { blobs, roles: new Map([[role, content]]) },
    answer: { outcome, release, previous },
  };
}

/** Whether the source, packed with the current version, gives the current tarball. */
async function isCurrent(request: PublishRequest, current: OfferedRelease): Promise<boolean> {
  const { commit, version } = current.custom;
  if (commit !== request.source.commit) return false;
  if (request.version !== undefined && request.version !== version) return false;
  return (await request.pack(version)).sha256 === current.sha256;
}

function isAnyRenewalDue(
  verified: VerifiedMetadata,
  role: string,
  { startedAt: now, mode }: PublishRequest,
): boolean {
  return [role, 'snapshot', 'timestamp'].some((name) =>
    isRenewalDue(name, verified.expires[name] ?? '', { now, mode }),
  );
}

function labelOf(
  { version, reason }: PublishRequest,
  { current, isSame }: { readonly current: OfferedRelease | undefined; readonly isSame: boolean },
): string {
  const currentVersion = current?.custom.version;
  if (version !== undefined) {
    assertVersion(version, { current: currentVersion, reason });
    return version;
  }
  return isSame && currentVersion !== undefined ? currentVersion : nextVersion(currentVersion);
}

function releaseOf(
  { startedAt, source, by, reason }: PublishRequest,
  wanted: {
    readonly tarball: Tarball;
    readonly label: string;
    readonly current: OfferedRelease | undefined;
  },
): OfferedRelease {
  const { tarball, label, current } = wanted;
  const { hold = false, stop = false, minAgent = null } = current?.custom ?? {};
  const custom: ReleaseCustom = {
    schema: 1,
    version: label,
    release: releaseId(startedAt, tarball.sha256),
    commit: source.commit,
    created: toSecond(startedAt),
    by,
    reason,
    // Only the command that set hold, stop or minAgent removes it; a newer release keeps it.
    hold,
    stop,
    minAgent,
  };
  return { sha256: tarball.sha256, length: tarball.length, custom };
}

/** `20270131T120000Z-0123456789ab`. */
function releaseId(now: number, sha256: string): string {
  return `${toSecond(now).replace(/[-:]/g, '')}-${sha256.slice(0, 12)}`;
}

function toSecond(now: number): string {
  return new Date(now).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function contentOfRole(verified: VerifiedMetadata, role: string): RoleContent {
  const document = verified.roles.get(role);
  if (document !== undefined) return contentOf(document);
  throw new CodedError(`${role} was not read from the bucket`, { code: 'METADATA_MISSING' });
}

function withRelease(
  content: RoleContent,
  environment: string,
  { sha256, length, custom }: OfferedRelease,
): RoleContent {
  const target = { length, hashes: { sha256 }, custom };
  const targets = {
    ...jsonObject(content['targets']),
    [releaseTarget(environment, 'current')]: target,
  };
  return { ...content, targets };
}
