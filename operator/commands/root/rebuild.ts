import { CodedError } from '../../../shared/coded-error.ts';
import type { TreeConfig } from '../../config.ts';
import type { Context } from '../../context.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import type { ProposedDocument } from '../../proposals/file.ts';
import { type NewRelease, newReleases } from '../../proposals/new-releases.ts';
import { notOnRef } from '../../release/source/ref-warnings.ts';
import { compareRelease, HONEST_CAUSES } from '../compare-release.ts';

export interface RebuildOptions {
  /** False with `--no-rebuild`. */
  readonly rebuild?: boolean | undefined;
}

/** A release of a proposal, and whether this clone gives the same tarball. */
export interface Rebuilt {
  readonly path: string;
  readonly outcome: 'same' | 'not-compared';
  readonly commit: string | null;
  readonly sha256: string;
  /** Remarks for the signer. */
  readonly lines: readonly string[];
}

/**
 * Packs the commit of each new release in the documents, and compares the tarball with the proposed
 * one. Throws RELEASE_INVALID when the tarballs differ, or when the release was not made from a
 * commit alone. Throws GIT_FAILED when this clone does not have the commit.
 */
export async function rebuildReleases(
  context: Context,
  config: TreeConfig,
  given: {
    readonly verified: VerifiedMetadata;
    readonly documents: readonly ProposedDocument[];
    readonly options: RebuildOptions;
  },
): Promise<Rebuilt[]> {
  const rebuilt: Rebuilt[] = [];
  for (const release of newReleases(given.verified, given.documents)) {
    const { path, sha256, custom } = release;
    const { commit } = custom;
    if (given.options.rebuild === false) {
      const lines = [`${path}: not compared with a commit in this clone: --no-rebuild`];
      rebuilt.push({ path, outcome: 'not-compared', commit, sha256, lines });
      continue;
    }
    const { origin, warnings } = await compare(context, config, release);
    const lines = [`${path}: rebuilt from ${origin} in this clone: the same sha256 ${sha256}`];
    rebuilt.push({ path, outcome: 'same', commit, sha256, lines: [...lines, ...warnings] });
  }
  return rebuilt;
}

async function compare(
  context: Context,
  config: TreeConfig,
  release: NewRelease,
): Promise<{ readonly origin: string; readonly warnings: readonly string[] }> {
  const { path, environment, custom } = release;
  const compared = await compareRelease(context, config, release);
  if (compared.kind === 'same') {
    const { origin, warnings } = compared;
    const unexpected = await notFollowed(context, config, { environment, ...compared });
    return { origin, warnings: [...warnings, ...unexpected] };
  }
  if (compared.kind === 'impossible') throw notRebuildable(path, compared);
  const { origin, what, found, wanted } = compared;
  throw new CodedError(
    `${path}: ${origin} packs to ${what} ${found} in ${config.repository}, and the proposal has ${wanted}`,
    {
      code: 'RELEASE_INVALID',
      next: `do not sign; ask who proposed it. ${HONEST_CAUSES}`,
      details: { path, commit: custom.commit, found, wanted },
    },
  );
}

/**
 * A warning when the commit is not on the ref that the environment is published from. The
 * proposer names the ref of a release, and may be free to push to that one.
 */
async function notFollowed(
  { env }: Context,
  { refs, repository }: TreeConfig,
  given: { readonly environment: string; readonly ref: string; readonly commit: string },
): Promise<string[]> {
  const { environment, ref, commit } = given;
  const followed = refs.get(environment) ?? ref;
  // For the ref of the proposal the comparison has warned.
  if (followed === ref) return [];
  const warnings = await notOnRef({ place: { directory: repository, env }, commit }, followed);
  return warnings.map((line) => `miyamoto.yaml has ${followed} for ${environment}: ${line}`);
}

function notRebuildable(
  path: string,
  { why, next }: { readonly why: string; readonly next: string },
): CodedError {
  return new CodedError(`${path} cannot be rebuilt in this clone: ${why}`, {
    code: 'RELEASE_INVALID',
    next: `${next}; mm root sign FILE --no-rebuild signs without comparing`,
    details: { path },
  });
}
