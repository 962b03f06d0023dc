import type { OfferedRelease } from '../../bucket/documents/release.ts';
import { printable } from '../../shared/clean-text.ts';
import type { TreeConfig } from '../config.ts';
import type { Context } from '../context.ts';
import { withSource } from './with-source.ts';

/*
 * A sha256 does not show what a tarball contains, but its commit does. The code of `mm publish`
 * therefore packs the commit again in the clone of the signer.
 */

export interface ComparedRelease extends OfferedRelease {
  readonly environment: string;
}

interface Origin {
  /** For people. */
  readonly origin: string;
  readonly ref: string;
  readonly commit: string;
}

export type Comparison =
  | (Origin & { readonly kind: 'same'; readonly warnings: readonly string[] })
  | (Origin & {
      readonly kind: 'different';
      readonly what: 'sha256' | 'links';
      /** What this clone gives. */
      readonly found: string;
      /** What the release has. */
      readonly wanted: string;
    })
  /** The release was not made from a commit alone. */
  | { readonly kind: 'impossible'; readonly why: string; readonly next: string };

/**
 * Packs the commit of a release, and compares. Throws GIT_FAILED when this clone does not have the
 * commit.
 */
export async function compareRelease(
  context: Context,
  config: TreeConfig,
  { sha256, length, custom, ...release }: ComparedRelease,
): Promise<Comparison> {
  const { commit, version, links: stated, packedFor: environment = release.environment } = custom;
  const { ref = config.refs.get(environment) ?? null } = custom;
  if (commit === null) return { kind: 'impossible', why: 'it names no commit', next: OF_WORK_TREE };
  if (ref === null) {
    const why = `it was published from a directory, of commit ${printable(commit, 64)}`;
    return { kind: 'impossible', why, next: DEPLOYED };
  }
  const origin = { origin: `commit ${commit} of ${printable(ref, 255)}`, ref, commit };
  const wanted = { environment, ref, commit };
  return await withSource(context, config, wanted, async ({ source, links, pack }) => {
    const { sha256: found, length: size } = await pack(version);
    if (found !== sha256 || size !== length) {
      return { kind: 'different', ...origin, what: 'sha256', found, wanted: sha256 };
    }
    // Hosts refuse links that leave a release when the metadata does not state them.
    if (links !== stated) {
      const [is, of] = [links ?? 'none', stated ?? 'none'];
      return { kind: 'different', ...origin, what: 'links', found: is, wanted: of };
    }
    return { kind: 'same', ...origin, warnings: source.warnings };
  });
}

const OF_WORK_TREE = 'have it published from a commit';
const DEPLOYED =
  'deploy that commit here, and compare the sha256 that mm publish ENVIRONMENT --directory DIR --version VERSION --noop prints';

/** Why an honest release can pack to other bytes. */
export const HONEST_CAUSES =
  'honest causes: another version of mm, another publish: in miyamoto.yaml, modules without an exact version';
