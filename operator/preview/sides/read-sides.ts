import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bucket } from '../../../bucket/bucket.ts';
import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import type { TreeConfig } from '../../config.ts';
import type { Context } from '../../context.ts';
import { readSource, type Source } from '../../release/source/read-source.ts';
import type { Spool } from '../../release/tree/spool.ts';
import { type ReleasePlace, readPublished } from './published.ts';
import { nothingPublished, type Side, withoutOwnFiles } from './side.ts';

export interface Reading {
  readonly spool: Spool;
  /** Temporary and empty. */
  readonly directory: string;
}

/** The releases of a tree, as its hosts read them. */
export function releasePlace(
  context: Pick<Context, 'notice'>,
  { config, bucket }: { readonly config: TreeConfig; readonly bucket: Bucket },
): ReleasePlace {
  const names = config.ignoresCase ? 'portable' : 'any';
  return { bucket, tree: config.tree, names, notice: (line) => context.notice(line) };
}

/** Throws RELEASE_INVALID, BLOB_MISMATCH, ARCHIVE_*. */
export async function releaseSide(
  place: ReleasePlace,
  { environment, release }: { environment: string; release: OfferedRelease | undefined },
  reading: Reading,
): Promise<Side> {
  if (release === undefined) return nothingPublished(environment);
  const { tree, conf } = await readPublished(place, release, reading);
  const { version, commit } = release.custom;
  const name = `${environment} ${version}`;
  const { sha256 } = release;
  return { name, commit, version, sha256, tree: withoutOwnFiles(tree), conf };
}

/**
 * Reads what `mm publish` would publish, without its checks. Throws GIT_FAILED, RELEASE_INVALID.
 */
export async function sourceSide(
  { env }: Pick<Context, 'env'>,
  config: TreeConfig,
  { environment, ref }: { readonly environment: string; readonly ref: string | undefined },
  { spool, directory }: Reading,
): Promise<{ readonly side: Side; readonly source: Source }> {
  const source = await readSource({
    place: { directory: config.repository, env },
    ...{ ref, settings: config.publish, spool, directory },
    cacheDirectory: join(config.cacheDirectory, config.id, environment),
  });
  return { side: sideOfSource(source), source };
}

/** The side that a publication of this source would make. */
export function sideOfSource({ tree, conf }: Pick<Source, 'tree' | 'conf'>): Side {
  const { ref, commit } = tree;
  const name = ref ?? (commit === null ? 'the work tree' : 'the directory');
  return { name, commit, version: null, sha256: null, tree: withoutOwnFiles(tree), conf };
}

/** A new directory for a part of the work. */
export async function newDirectory(parent: string, name: string): Promise<string> {
  const directory = join(parent, name);
  await mkdir(directory);
  return directory;
}
