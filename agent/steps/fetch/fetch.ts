import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { syncDirectorySync } from '../../../shared/atomic-file.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { asFileError } from '../../../shared/disk-error.ts';
import { requireFreeSpace } from '../../disk/free-space.ts';
import { type DownloadRequest, download } from './download.ts';

/*
 * The tarball of a release. Anyone with write access to the bucket may have changed it, so only
 * bytes with the signed length and sha256 become a VerifiedTarball. download.ts makes the attempts,
 * and partial-download.ts finds the bytes of an earlier call. A tarball that is too large or does
 * not fit on the disk is refused before the download.
 */

const verified: unique symbol = Symbol('verified');

/**
 * A tarball with the length and the sha256 that the signed metadata names. Only this file makes
 * one.
 */
export interface VerifiedTarball {
  readonly path: string;
  readonly sha256: string;
  /** Bytes. */
  readonly length: number;
  readonly [verified]: true;
}

export interface FetchOptions extends DownloadRequest {
  /** `releases.max_tarball_bytes`. */
  readonly maxBytes: number;
}

/**
 * Brings the tarball of a release onto the disk. Until its bytes are verified the file's name ends
 * in `.unverified`. After an interrupted download the bytes stay when the store gave an ETag, and
 * the next call continues from there. After any other error nothing stays. A tarball from an
 * earlier call is verified again. Throws BLOB_MISMATCH, ARCHIVE_TOO_LARGE, DISK_FULL, S3_*.
 */
export async function fetchRelease(options: FetchOptions): Promise<VerifiedTarball> {
  const { release, directory, maxBytes } = options;
  if (release.length > maxBytes) throw tooLarge(release.length, maxBytes);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${release.sha256}.tar.gz`);
  if (!(await isVerified(path, options))) {
    rmSync(path, { recursive: true, force: true });
    await downloadTo(path, options);
  }
  return { path, sha256: release.sha256, length: release.length, [verified]: true };
}

/** Downloads to the path, which gets only verified bytes. Throws BLOB_MISMATCH, DISK_FULL, S3_*. */
export async function downloadTo(path: string, request: DownloadRequest): Promise<void> {
  const directory = dirname(path);
  requireFreeSpace(directory, request.release.length);
  try {
    renameSync(await download(request), path);
  } catch (error) {
    throw asFileError(error, path);
  }
  syncDirectorySync(directory);
}

/** Whether an earlier call completed the file. */
export async function isVerified(
  path: string,
  { release, signal }: Pick<DownloadRequest, 'release' | 'signal'>,
): Promise<boolean> {
  // Anything but a regular file could be endless or block the reader.
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false;
  const hash = createHash('sha256');
  try {
    const bytes = createReadStream(path, { end: release.length, signal });
    for await (const chunk of bytes as AsyncIterable<Buffer>) hash.update(chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    signal.throwIfAborted();
    throw error;
  }
  // Reading stops one byte after the signed length, so a longer file has another digest.
  return hash.digest('hex') === release.sha256;
}

function tooLarge(length: number, maxBytes: number): CodedError {
  return new CodedError(
    `the release's tarball has ${length} bytes, releases.max_tarball_bytes allows ${maxBytes}`,
    { code: 'ARCHIVE_TOO_LARGE', next: 'raise releases.max_tarball_bytes in agent.yaml' },
  );
}
