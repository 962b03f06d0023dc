import { join } from 'node:path';
import type { ReleaseCustom } from '../../bucket/documents/release.ts';
import type { TreeConfig } from '../config.ts';
import type { Context } from '../context.ts';
import { withTemporaryDirectory } from '../files/temporary-directory.ts';
import { hasLeavingLinks } from '../release/check.ts';
import { packRelease, type Tarball } from '../release/pack.ts';
import { readSource, type Source, type SourceRequest } from '../release/source/read-source.ts';
import { Spool } from '../release/tree/spool.ts';

/** The files to read, and the environment that they are packed for. */
export interface WantedSource extends Pick<SourceRequest, 'ref' | 'commit' | 'deployed'> {
  readonly environment: string;
}

/** A release that was read. */
export interface ReadRelease {
  readonly source: Source;
  /** What the signed metadata says of links that leave the release. */
  readonly links: ReleaseCustom['links'];
  /** The same version gives the same tarball. */
  pack(version: string): Promise<Tarball>;
}

/** Reads the files of a release, without a check; then runs the work with them. */
export async function withSource<T>(
  { env }: Pick<Context, 'env'>,
  config: Pick<TreeConfig, 'id' | 'repository' | 'publish' | 'cacheDirectory'>,
  { environment, ref, commit, deployed }: WantedSource,
  work: (release: ReadRelease) => Promise<T>,
): Promise<T> {
  const place = { directory: config.repository, env };
  return await withTemporaryDirectory('publish', async (directory) => {
    using spool = new Spool(directory);
    const source = await readSource({
      ...{ place, ref, commit, deployed, settings: config.publish, spool, directory },
      cacheDirectory: join(config.cacheDirectory, config.id, environment),
    });
    const packed = new Map<string, Promise<Tarball>>();
    const pack = (version: string): Promise<Tarball> => {
      const label = { environment, version };
      const tarball = packed.get(version) ?? packRelease(source.tree, label, directory);
      packed.set(version, tarball);
      return tarball;
    };
    const links = hasLeavingLinks(source.tree.entries) ? 'keep' : undefined;
    return await work({ source, links, pack });
  });
}
