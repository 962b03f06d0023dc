import type {
  OfferedRelease,
  ReleaseChange,
  ReleaseCustom,
} from '../../../bucket/documents/release.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { shellWord } from '../../../shared/shell-word.ts';
import type { Planned } from '../../commit/commit.ts';
import { isClass, roleCovering } from '../../metadata/environment-classes.ts';
import { isRenewalDue, type SigningMode } from '../../metadata/expiry-days.ts';
import {
  highestOf,
  highestVersion,
  isFirstIn,
  withHighestVersion,
} from '../../metadata/highest-version.ts';
import { changeOf, isDone, releaseId, toSecond } from '../../metadata/release-change.ts';
import type { RoleContent } from '../../metadata/signed-file.ts';
import { contentOfRole, withSlots } from '../../metadata/slots.ts';
import { replaceableOffer, type VerifiedMetadata } from '../../metadata/verified.ts';
import type { Tarball } from '../../release/pack.ts';
import type { SourceTree } from '../../release/tree/tree.ts';
import { assertVersion, nextVersion } from '../../release/version-label.ts';

/** A publication as the operator requested it. A retry of the commit does not change it. */
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
  readonly source: Pick<SourceTree, 'commit' | 'ref'>;
  /**
   * Throws when Puppet would refuse the release. It is called only when there is something to
   * publish.
   */
  passGates(): Promise<unknown>;
  readonly links?: ReleaseCustom['links'];
  /** The branch that the environment is made from, for an environment of a class. */
  readonly branch?: string | undefined;
  /** The same version gives the same tarball. */
  pack(version: string): Promise<Tarball>;
  /**
   * The version labels of releases before. It is called only when the signed metadata does not say
   * which one was the highest.
   */
  earlierVersions(verified: VerifiedMetadata): Promise<readonly string[]>;
}

export interface PublishPlan {
  readonly outcome: 'published' | 'renewed' | 'unchanged';
  /** The role of the environment. */
  readonly role: string;
  readonly release: OfferedRelease;
  readonly previous: OfferedRelease | undefined;
}

/**
 * Decides what a publication changes in the signed metadata. Throws ENVIRONMENT_UNKNOWN,
 * METADATA_INVALID, USAGE, and what the gates throw.
 */
export async function planPublication(
  request: PublishRequest,
  verified: VerifiedMetadata,
): Promise<Planned<PublishPlan>> {
  const { role, current, next } = replaceableOffer(verified, request.environment);
  if (request.branch !== undefined) {
    assertBranch(verified, { ...request, branch: request.branch }, current);
  }
  const isSame = current !== undefined && (await isCurrent(request, current));
  const isForAll = current?.custom.minAgent === null;
  if (isSame && isDone(request, current)) {
    // An earlier attempt of this same publication succeeded, and only its answer was lost.
    return nothing('published', role, current);
  }
  if (isSame && isForAll && !request.force) {
    return isAnyRenewalDue(verified, role, request)
      ? change(
          'renewed',
          { content: contentOfRole(verified, role), role },
          { release: current, previous: current },
        )
      : nothing('unchanged', role, current);
  }
  const before = contentOfRole(verified, role);
  const isFirst = current === undefined && isFirstIn(before, request.environment);
  const known =
    highestVersion(before, request.environment) ??
    highestOf(isFirst ? [] : await request.earlierVersions(verified));
  // A role that an older mm has signed in between may have newer releases than it says.
  const highest = highestOf([known, current?.custom.version, next?.custom.version]);
  const label = labelOf(request, { current, highest, isSame });
  await requireOwnLabel(request, label, current);
  await request.passGates();
  const tarball = await request.pack(label);
  const statement = changeOf({ ...request, action: 'publish' }, verified, role);
  const release = releaseOf(request, { tarball, label, current, statement });
  const slots = { current: release, next: undefined };
  const named = withHighestVersion(before, request.environment, highestOf([highest, label]));
  const content = withSlots(named, request.environment, slots);
  return change('published', { content, role }, { release, tarball, previous: current });
}

/**
 * Checks an environment that is made from a branch. It must belong to a class: any other
 * environment is published from the ref that miyamoto.yaml names. Two branches can become one
 * environment, and the second branch must not replace the first. Throws ENVIRONMENT_UNKNOWN, USAGE.
 */
function assertBranch(
  verified: VerifiedMetadata,
  { environment, branch }: { readonly environment: string; readonly branch: string },
  current: OfferedRelease | undefined,
): void {
  const covering = roleCovering(verified.targets, environment);
  if (covering === undefined || !isClass(covering)) {
    throw new CodedError(
      `branch ${branch} would become ${environment}, which has a role of its own and is not in miyamoto.yaml`,
      {
        code: 'ENVIRONMENT_UNKNOWN',
        next: `add ${environment}: { ref: ${branch} } to the environments in miyamoto.yaml`,
      },
    );
  }
  const before = current?.custom.branch;
  if (before === undefined || before === branch) return;
  throw new CodedError(
    `${environment} was published from branch ${printable(before, 255)}, and ${branch} becomes the same environment`,
    {
      code: 'USAGE',
      next: `rename one of the branches; or mm publish ${environment} --ref ${shellWord(branch)}`,
    },
  );
}

function nothing(
  outcome: PublishPlan['outcome'],
  role: string,
  release: OfferedRelease,
): Planned<PublishPlan> {
  const previous = outcome === 'unchanged' ? release : undefined;
  return { kind: 'nothing', answer: { outcome, role, release, previous } };
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
    answer: { outcome, role, release, previous },
  };
}

/** Whether the source, packed with the current version, gives the current tarball. */
async function isCurrent(request: PublishRequest, current: OfferedRelease): Promise<boolean> {
  const { commit, version, links, branch } = current.custom;
  if (commit !== request.source.commit) return false;
  if (links !== request.links || branch !== request.branch) return false;
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
  found: {
    readonly current: OfferedRelease | undefined;
    readonly highest: string | undefined;
    readonly isSame: boolean;
  },
): string {
  const { highest, isSame } = found;
  const current = found.current?.custom.version;
  if (version !== undefined) {
    assertVersion(version, { current, highest, reason });
    return version;
  }
  return isSame && current !== undefined ? current : nextVersion(highest);
}

/** Throws USAGE when another content has the label now, and no reason is given. */
async function requireOwnLabel(
  { pack, reason, environment }: PublishRequest,
  label: string,
  current: OfferedRelease | undefined,
): Promise<void> {
  if (label !== current?.custom.version || reason !== '') return;
  const { sha256 } = await pack(label);
  if (sha256 === current.sha256) return;
  throw new CodedError(
    `${environment} has another content as ${label}, sha256 ${current.sha256.slice(0, 12)}, and this is ${sha256.slice(0, 12)}`,
    { code: 'USAGE', next: `leave --version out, or give --reason "why"` },
  );
}

function releaseOf(
  { startedAt, source, links, branch, by, reason }: PublishRequest,
  wanted: {
    readonly tarball: Tarball;
    readonly label: string;
    readonly current: OfferedRelease | undefined;
    readonly statement: ReleaseChange;
  },
): OfferedRelease {
  const { tarball, label, current, statement } = wanted;
  const { hold = false, stop = false, pause } = current?.custom ?? {};
  const custom: ReleaseCustom = {
    schema: 1,
    version: label,
    release: releaseId(startedAt, tarball.sha256),
    commit: source.commit,
    ref: source.ref,
    created: toSecond(startedAt),
    by,
    reason,
    // Only the command that set hold or stop removes it; a newer release keeps it.
    hold,
    stop,
    // No command of mm sets it, so a thief did. No agent would install a release any more.
    minAgent: null,
    ...(links !== undefined && { links }),
    ...(branch !== undefined && { branch }),
    ...(pause === undefined ? {} : { pause }),
    change: statement,
  };
  return { sha256: tarball.sha256, length: tarball.length, custom };
}
