import type { OfferedRelease, ReleaseCustom } from '../../../bucket/documents/release.ts';
import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { Blob } from '../../commit/change.ts';
import type { Answer, Context } from '../../context.ts';
import { releaseId } from '../../metadata/release-change.ts';
import { offerOf } from '../../metadata/verified.ts';
import { isVersion } from '../../release/version-label.ts';
import { requireBlob } from '../../repository/require-blob.ts';
import { type DoubtOptions, haltDoubts, holdDoubts, olderDoubts, rolloutDoubts } from './doubts.ts';
import { type RebuildOptions, type Remarks, remarksOn } from './foreign-bytes.ts';
import { type MoveOptions, type MovePlan, move, type Seen } from './move.ts';
import { releaseName } from './release-name.ts';

export interface PromoteOptions extends MoveOptions, DoubtOptions, RebuildOptions {}

/**
 * `mm promote FROM TO`: the hosts of one environment get the release of another one. Nothing is
 * uploaded: the role of `TO` names the same tarball, and a key of `TO` signs that.
 */
export async function promote(
  context: Context,
  { from, to }: { readonly from: string; readonly to: string },
  options: PromoteOptions,
): Promise<Answer> {
  if (from === to) {
    throw new CodedError(`${from} and ${to} are the same environment`, {
      code: 'USAGE',
      next: 'mm promote FROM TO, for example mm promote testing stable',
    });
  }
  const plan = (seen: Seen) => planPromotion(seen, { from, to, options });
  return await move(context, options, {
    ...{ action: 'promote', environment: to, from, isAsking: true, plan },
  });
}

async function planPromotion(
  seen: Seen,
  wanted: { readonly from: string; readonly to: string; readonly options: PromoteOptions },
): Promise<MovePlan | undefined> {
  const { from, to, options } = wanted;
  const { context, tree, slots } = seen;
  const { current: before } = slots;
  const promoted = await promotedRelease(seen, { from, to }, options);
  if (promoted === undefined) return undefined;
  const { release, remarks } = promoted;
  const { hold = false, stop = false, pause } = before?.custom ?? {};
  // Only the command that set hold or stop removes it.
  const kept = { hold, stop, ...(pause === undefined ? {} : { pause }) };
  const place = { directory: tree.config.repository, env: context.env };
  const { commit, version } = release.custom;
  const compared = { environment: to, before: before?.custom.commit, commit };
  return {
    after: { current: { ...release, custom: { ...release.custom, ...kept } }, next: undefined },
    lines: [
      `${to}: ${before === undefined ? 'nothing' : releaseName(before)} -> ${releaseName(release)}, from ${from}`,
      ...remarks.lines,
    ],
    doubts: [
      ...remarks.doubts,
      ...holdDoubts(to, before?.custom, options),
      ...rolloutDoubts(to, slots, options),
      ...haltDoubts(to, before, { release, options }),
      ...(await olderDoubts(place, compared, options)),
    ],
    what: `promote ${version} to ${to}`,
  };
}

export interface PromotedRelease {
  readonly release: OfferedRelease;
  readonly blobs: readonly Blob[];
  readonly remarks: Remarks;
}

/**
 * The release of another environment, for this one to name. Undefined when this environment has it
 * already. Throws USAGE when there is no release, METADATA_EXPIRED when hosts would not accept it
 * any more, and RELEASE_INVALID when the tarball in the bucket is not the one that was signed.
 */
export async function promotedRelease(
  seen: Seen,
  { from, to }: { readonly from: string; readonly to: string },
  options: RebuildOptions,
): Promise<PromotedRelease | undefined> {
  const { repository, verified, slots } = seen;
  const { current: source, role } = offerOf(verified, from);
  // Its own hosts would refuse it, and so would this command when it verifies what it wrote.
  if (verified.expired.includes(role)) {
    throw new CodedError(`what is published for ${from} expired at ${verified.expires[role]}`, {
      code: 'METADATA_EXPIRED',
      next: `mm renew ${from}, then run the same command again`,
      details: { role },
    });
  }
  if (source === undefined) {
    throw new CodedError(`nothing is published for ${from}, so there is nothing to promote`, {
      code: 'USAGE',
      next: `mm publish ${from}`,
    });
  }
  const { version } = source.custom;
  if (!isVersion(version)) {
    throw new CodedError(
      `the release of ${from} has the label ${JSON.stringify(printable(version, 64))}, expected a version such as 1.4.2`,
      { code: 'USAGE', next: `mm publish ${from}` },
    );
  }
  const { sha256, length } = source;
  if (sha256 === slots.current?.sha256) return undefined;
  await requireBlob(repository, { sha256, length, description: releaseName(source) });
  const release = { ...source, custom: promotedCustom(seen, { from, to }, source) };
  const remarks = await remarksOn(seen, { environment: from, role, release: source }, options);
  return { release, blobs: [], remarks };
}

/**
 * The keys of one environment decide nothing but the release for the hosts of another one. What is
 * not listed here is not signed: fields that describe the other environment, and unknown ones. A
 * rollback compares `created`, and the id is the salt of a rollout, so both are of this moment.
 */
function promotedCustom(
  { tree, at }: Seen,
  { from, to }: { readonly from: string; readonly to: string },
  { sha256, custom }: OfferedRelease,
): ReleaseCustom {
  const { schema, version, commit, by, reason, links, packedFor = from } = custom;
  const { ref = tree.config.refs.get(from) ?? null } = custom;
  return {
    ...{ schema, version, commit, ref, by, reason },
    ...(packedFor !== to && { packedFor }),
    ...(links !== undefined && { links }),
    release: releaseId(Date.parse(at), sha256),
    created: at,
    minAgent: null,
    hold: false,
    stop: false,
  };
}
