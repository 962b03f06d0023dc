import { lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { strongEtag } from '../../../bucket/etag.ts';

/** The first bytes of a tarball, not verified. The ETag identifies the object that they are of. */
export interface PartialDownload {
  readonly path: string;
  readonly etag: string;
  readonly bytes: number;
}

const NAME = /^([0-9a-f]{64})\.([\w-]{1,180})\.unverified$/;

/**
 * The path for the bytes of an object until they are verified. Without an ETag the download cannot
 * be resumed.
 */
export function unverifiedPath(directory: string, sha256: string, etag?: string): string {
  const mark = etag === undefined ? '' : `.${Buffer.from(etag).toString('base64url')}`;
  return join(directory, `${sha256}${mark}.unverified`);
}

/**
 * The longest partial download of this tarball. Removes the others, and files that a crash left
 * behind.
 */
export function findPartial(directory: string, sha256: string): PartialDownload | undefined {
  let longest: PartialDownload | undefined;
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(sha256) || !name.endsWith('.unverified')) continue;
    const path = join(directory, name);
    const etag = strongEtag(Buffer.from(NAME.exec(name)?.[2] ?? '', 'base64url').toString());
    const found = lstatSync(path);
    const bytes = found.size;
    if (!found.isFile() || etag === undefined || bytes <= (longest?.bytes ?? 0)) {
      rmSync(path, { recursive: true, force: true });
      continue;
    }
    if (longest !== undefined) rmSync(longest.path, { force: true });
    longest = { path, etag, bytes };
  }
  return longest;
}

/** The sha256 of the release whose partial download has this file name. */
export function releaseOfPartial(name: string): string | undefined {
  return NAME.exec(name)?.[1];
}
