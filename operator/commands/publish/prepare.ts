import { join } from 'node:path';
import type { TreeConfig } from '../../config.ts';
import type { Context } from '../../context.ts';
import { withTemporaryDirectory } from '../../files/temporary-directory.ts';
import { keysDirectory } from '../../open-tree.ts';
import { assertPublishable } from '../../release/check.ts';
import { assertKeysOutside } from '../../release/keys-outside.ts';
import { packRelease, type Tarball } from '../../release/pack.ts';
import { readSource, type Source } from '../../release/source/read-source.ts';
import { Spool } from '../../release/spool.ts';
import { validateManifests } from '../../release/validate.ts';
import { contentNotices, sourceNotices } from './notices.ts';
import type { PublishOptions, Wanted } from './what-to-publish.ts';

/** A release that was read and passed all checks. */
export interface Prepared {
  readonly source: Source;
  /** The same version gives the same tarball. */
  pack(version: string): Promise<Tarball>;
}

/**
 * Reads what is to be published and refuses what must not be; then runs the work with it. Throws
 * GIT_FAILED, ARCHIVE_*, RELEASE_INVALID, CONFIG_INVALID.
 */
export async function withPrepared<T>(
  context: Context,
  config: TreeConfig,
  wanted: Wanted & { readonly options: PublishOptions },
  work: (prepared: Prepared) => Promise<T>,
): Promise<T> {
  const { environment, ref, deployed, options } = wanted;
  const place = { directory: config.repository, env: context.env };
  const { publish: settings } = config;
  await assertKeysOutside(place, keysDirectory(context, config, options));
  return await withTemporaryDirectory('publish', async (directory) => {
    using spool = new Spool(directory);
    const source = await readSource({
      ...{ place, ref, deployed, settings, spool, directory },
      cacheDirectory: join(config.cacheDirectory, config.id, environment),
    });
    for (const line of sourceNotices(source)) context.notice(line);
    if (options.noop === true) for (const line of contentNotices(source)) context.notice(line);
    const { tree, conf } = source;
    assertPublishable(tree, { conf, allowedPrivateKeys: settings.allow_private_keys });
    await validate(context, source, options);
    const packed = new Map<string, Promise<Tarball>>();
    const pack = (version: string): Promise<Tarball> => {
      const tarball = packed.get(version) ?? packRelease(tree, { environment, version }, directory);
      packed.set(version, tarball);
      return tarball;
    };
    return await work({ source, pack });
  });
}

async function validate(
  context: Context,
  { tree, conf }: Source,
  options: PublishOptions,
): Promise<void> {
  if (options.validate === false) {
    context.notice('manifests not parsed: --no-validate');
    return;
  }
  const validation = await validateManifests(tree, conf, context.env);
  context.notice(
    validation.kind === 'valid'
      ? `puppet parsed ${validation.manifests} manifests`
      : `manifests not parsed: ${validation.why}`,
  );
}
