import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Bucket, OpenResult } from '../../bucket/bucket.ts';
import type { OfferedRelease } from '../../bucket/documents/release.ts';
import { blobKey } from '../../bucket/layout.ts';
import { syncDirectorySync } from '../../shared/atomic-file.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { asDiskFull, requireFreeSpace } from './disk-space.ts';

const verified: unique symbol = Symbol('verified');

/** A tarball with the length and the sha256 of the signed metadata. Only this file can make one. */
export interface VerifiedTarball {
  readonly path: string;
  readonly sha256: string;
  /** Bytes. */
  readonly length: number;
  readonly [verified]: true;
}

export interface FetchOptions {
  readonly bucket: Pick<Bucket, 'open' | 'name'>;
  readonly tree: string;
  readonly release: Pick<OfferedRelease, 'sha256' | 'length'>;
  /** `<state>/blobs`. Created if missing. */
  readonly directory: string;
  /** `releases.max_tarball_bytes`. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

/** How often a tarball is requested when its body ends early. */
const ATTEMPTS = 3;

/**
 * Downloads the tarball of a release. Until its bytes are verified, the file has the name
 * `<sha256>.unverified`, and a failure removes it. A tarball that an earlier cycle downloaded is
 * verified again. Throws BLOB_MISMATCH, ARCHIVE_TOO_LARGE, DISK_FULL, S3_*.
 */
export async function fetchRelease(options: FetchOptions): Promise<VerifiedTarball> {
  const { release, directory, maxBytes } = options;
  if (release.length > maxBytes) throw tooLarge(release.length, maxBytes);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, `${release.sha256}.tar.gz`);
  if (!(await isVerified(path, options))) await bring(path, options);
  return { path, sha256: release.sha256, length: release.length, [verified]: true };
}

async function bring(path: string, options: FetchOptions): Promise<void> {
  const { release, directory } = options;
  requireFreeSpace(directory, release.length);
  const unverified = join(directory, `${release.sha256}.unverified`);
  try {
    await download(unverified, options);
    renameSync(unverified, path);
  } catch (error) {
    rmSync(unverified, { force: true });
    throw asDiskFull(error, directory);
  }
  syncDirectorySync(directory);
}

/** Whether the tarball of an earlier fetch is complete and unchanged. If not, it is removed. */
async function isVerified(path: string, { release, signal }: FetchOptions): Promise<boolean> {
  const hash = createHash('sha256');
  try {
    const bytes = createReadStream(path, { end: release.length, signal });
    for await (const chunk of bytes as AsyncIterable<Buffer>) hash.update(chunk);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    signal.throwIfAborted();
    throw error;
  }
  // `end` is inclusive, so a file that is too long gives another digest as well.
  if (hash.digest('hex') === release.sha256) return true;
  rmSync(path, { force: true });
  return false;
}

/** Throws unless the file ends up on the disk with the bytes that the signed metadata names. */
async function download(unverified: string, options: FetchOptions): Promise<void> {
  const { bucket, release, signal } = options;
  const key = blobKey(options.tree, release.sha256);
  for (let attempt = 1; ; attempt++) {
    // A new file for each attempt: a crash or an early end may have left a part of one.
    rmSync(unverified, { force: true });
    const fd = openSync(unverified, 'wx', 0o600);
    try {
      const opened = await bucket.open(key, { signal });
      const mismatch = (found: string) =>
        blobMismatch(`s3://${bucket.name}/${key}`, release, found);
      if (opened.length !== undefined && opened.length !== release.length) {
        opened.body.destroy();
        throw mismatch(`${opened.length} bytes`);
      }
      const received = await receive(opened, fd, release.length);
      signal.throwIfAborted();
      if (received.kind === 'cut') {
        if (attempt < ATTEMPTS) continue;
        throw cutShort(`s3://${bucket.name}/${key}`, release.length, received);
      }
      if (received.kind === 'too-long') throw mismatch(`more than ${release.length} bytes`);
      if (received.sha256 !== release.sha256) throw mismatch(`sha256 ${received.sha256}`);
      fsyncSync(fd);
      return;
    } finally {
      closeSync(fd);
    }
  }
}

type Received =
  | { readonly kind: 'whole'; readonly sha256: string }
  | { readonly kind: 'too-long' }
  | { readonly kind: 'cut'; readonly bytes: number; readonly cause: unknown };

/** Writes and hashes the body, at most `length` bytes of it. Throws the errors of the disk. */
async function receive({ body }: OpenResult, fd: number, length: number): Promise<Received> {
  const hash = createHash('sha256');
  let bytes = 0;
  let isWriting = false;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > length) return { kind: 'too-long' };
      hash.update(chunk);
      isWriting = true;
      writeFileSync(fd, chunk);
      isWriting = false;
    }
  } catch (cause) {
    if (isWriting) throw cause;
    return { kind: 'cut', bytes, cause };
  }
  if (bytes < length) return { kind: 'cut', bytes, cause: undefined };
  return { kind: 'whole', sha256: hash.digest('hex') };
}

function blobMismatch(
  url: string,
  release: Pick<OfferedRelease, 'sha256' | 'length'>,
  found: string,
): CodedError {
  return new CodedError(
    `${url} is not the tarball in the signed metadata: wanted ${release.length} bytes with sha256 ${release.sha256}, found ${found}; somebody or a proxy changed the object`,
    { code: 'BLOB_MISMATCH', next: 'mm doctor', details: { url, sha256: release.sha256 } },
  );
}

function cutShort(
  url: string,
  length: number,
  { bytes, cause }: Extract<Received, { kind: 'cut' }>,
): CodedError {
  if (cause instanceof CodedError) return cause;
  return new CodedError(
    `the download of ${url} ended after ${bytes} of ${length} bytes, ${ATTEMPTS} times in a row`,
    { code: 'S3_UNREACHABLE', cause, next: 'nothing: the next poll tries again' },
  );
}

function tooLarge(length: number, maxBytes: number): CodedError {
  return new CodedError(
    `the release's tarball has ${length} bytes, releases.max_tarball_bytes allows ${maxBytes}`,
    { code: 'ARCHIVE_TOO_LARGE', next: 'raise releases.max_tarball_bytes in agent.yaml' },
  );
}
