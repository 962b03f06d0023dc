import type { GatesAnswer } from '../../answers.ts';
import type { TreeConfig } from '../../config.ts';
import type { Context } from '../../context.ts';
import { keysDirectory, openKeys } from '../../open-tree.ts';
import { assertPublishable } from '../../release/check.ts';
import { assertKeysOutside } from '../../release/keys-outside.ts';
import { requireMeans } from '../carry-out.ts';
import { type ReadRelease, withSource } from '../with-source.ts';
import { checkRelease } from './gates.ts';
import { contentNotices, sourceNotices } from './notices.ts';
import type { PublishOptions, Wanted } from './what-to-publish.ts';

/** A release that hosts would accept. */
export interface Prepared extends ReadRelease {
  /** Checks what Puppet would load, once. Throws what `checkRelease` throws. */
  passGates(): Promise<GatesAnswer | null>;
}

/**
 * What can be checked before the source is read. Must come first: that no key is inside the
 * repository. Throws CONFIG_INVALID, USAGE, KEY_MISSING.
 */
export async function checkBeforeReading(
  context: Context,
  config: TreeConfig,
  options: Omit<PublishOptions, 'group'>,
): Promise<void> {
  const place = { directory: config.repository, env: context.env };
  await assertKeysOutside(place, keysDirectory(context, config, options));
  await requireMeans(context, await openKeys(context, config, options), options);
}

/**
 * Reads the source of a release, checks it, and passes it to the work. Throws GIT_FAILED,
 * ARCHIVE_*, RELEASE_INVALID, CONFIG_INVALID.
 */
export async function withPrepared<T>(
  context: Context,
  config: TreeConfig,
  wanted: Wanted & { readonly options: PublishOptions },
  work: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  const { options } = wanted;
  return await withSource(context, config, wanted, async (release) => {
    const { source } = release;
    for (const line of sourceNotices(source)) context.notice(line);
    if (options.noop === true) for (const line of contentNotices(source)) context.notice(line);
    const { allow_private_keys: allowedPrivateKeys, links } = config.publish;
    assertPublishable(source.tree, {
      ...{ conf: source.conf, links, allowedPrivateKeys },
      names: config.ignoresCase ? 'portable' : 'any',
    });
    let gates: Promise<GatesAnswer | null> | undefined;
    const passGates = (): Promise<GatesAnswer | null> => {
      gates ??= checkRelease(context, config, source, options);
      return gates;
    };
    return await work({ ...release, passGates });
  });
}
