import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  createReadStream,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import type { Bucket, OpenResult } from '../../../bucket/bucket.ts';
import type { OfferedRelease } from '../../../bucket/documents/release.ts';
import { blobKey } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { findPartial, type PartialDownload, unverifiedPath } from './partial-download.ts';

/** Attempts of one call. A later call continues where the last attempt ended. */
const ATTEMPTS = 3;
/** For connection, headers and retries. */
const BASE_LIMIT_MS = 60_000;
/** A download over a slower connection needs several polls, each of which continues it. */
const LEAST_BYTES_PER_MS = 50;
/** A run must not wait longer for a release, however large it is. */
const MAX_LIMIT_MS = 10 * 60_000;

export interface DownloadRequest {
  readonly bucket: Pick<Bucket, 'open' | 'name'>;
  readonly tree: string;
  /** By default that of the tarball. */
  readonly key?: string;
  readonly release: Pick<OfferedRelease, 'sha256' | 'length'>;
  /** `<state>/blobs`, made when it is missing. */
  readonly directory: string;
  readonly signal: AbortSignal;
  /** For the whole download, in ms. By default derived from the length and a minimum rate. */
  readonly limitMs?: number;
}

/** The state of one call, over all its attempts. */
interface Attempts extends DownloadRequest {
  /** The caller's stop, or the end of the time limit. */
  readonly ended: AbortSignal;
  /** False once the store has ignored a Range: a partial file is then useless to a later call. */
  mayResume: boolean;
}

/**
 * Downloads a tarball and returns its path. The file is on the disk and has the bytes that the
 * signed metadata names. The whole download has a time limit: a store that sends one byte now and
 * then must not keep a host from applying its active release. Throws BLOB_MISMATCH, S3_*.
 */
export async function download(request: DownloadRequest): Promise<string> {
  const { release, directory, limitMs = limitFor(release.length) } = request;
  const deadline = AbortSignal.timeout(limitMs);
  const ended = AbortSignal.any([request.signal, deadline]);
  const attempts: Attempts = { ...request, ended, mayResume: true };
  let partial = findPartial(directory, release.sha256);
  for (let attempt = 1; ; attempt++) {
    const end = await attemptOnce(attempts, partial);
    if (end.kind === 'whole') return end.path;
    request.signal.throwIfAborted();
    partial = end.kind === 'cut' ? end.partial : undefined;
    if (deadline.aborted) throw tooSlow(request, limitMs, partial, end.cause);
    if (attempt === ATTEMPTS) throw givenUp(request, end);
  }
}

/** The time limit of a download of `length` bytes, in ms. */
export function limitFor(length: number): number {
  return Math.min(BASE_LIMIT_MS + Math.ceil(length / LEAST_BYTES_PER_MS), MAX_LIMIT_MS);
}

type AttemptEnd =
  | { readonly kind: 'whole'; readonly path: string }
  /** The connection ended too early. `bytes` of the object have arrived. */
  | {
      readonly kind: 'cut';
      readonly bytes: number;
      readonly partial: PartialDownload | undefined;
      readonly cause: unknown;
    }
  /**
   * The partial file belongs to another object than the store has now: the next attempt begins at
   * byte 0.
   */
  | { readonly kind: 'unusable'; readonly cause: CodedError };

async function attemptOnce(
  attempts: Attempts,
  partial: PartialDownload | undefined,
): Promise<AttemptEnd> {
  const { bucket, tree, release, ended } = attempts;
  const resume = partial !== undefined && partial.bytes < release.length ? partial : undefined;
  let opened: OpenResult;
  try {
    const { key = blobKey(tree, release.sha256) } = attempts;
    opened = await bucket.open(key, { signal: ended, ...(resume && { resume }) });
  } catch (cause) {
    if (ended.aborted) return { kind: 'cut', bytes: partial?.bytes ?? 0, partial, cause };
    if (resume === undefined || !isNoResume(cause)) throw cause;
    discard(partial);
    return { kind: 'unusable', cause };
  }
  const { from = 0 } = opened;
  if (resume !== undefined && from === resume.bytes) return await receive(attempts, opened, resume);
  if (resume !== undefined) attempts.mayResume = false;
  discard(partial);
  if (from === 0) return await receive(attempts, opened, undefined);
  opened.body.destroy();
  return { kind: 'unusable', cause: mismatch(attempts, `bytes from ${from} on`) };
}

/** Appends the body to the partial file, never more than the signed length in total. */
async function receive(
  attempts: Attempts,
  opened: OpenResult,
  resumed: PartialDownload | undefined,
): Promise<AttemptEnd> {
  const { release, directory } = attempts;
  // The name has the ETag from the start, so that a killed process leaves bytes that a later call
  // can use.
  const etag = attempts.mayResume ? opened.etag : undefined;
  const path = resumed?.path ?? unverifiedPath(directory, release.sha256, etag);
  const before = resumed?.bytes ?? 0;
  const hash = createHash('sha256');
  let isKept = false;
  const fd = openUnverified(path, resumed !== undefined);
  try {
    if (opened.length !== undefined && before + opened.length !== release.length) {
      opened.body.destroy();
      throw mismatch(attempts, `${before + opened.length} bytes`);
    }
    if (resumed !== undefined) await hashFile(hash, path);
    const { bytes, cause } = await writeBody(opened, fd, hash, release.length - before);
    const total = before + bytes;
    if (total > release.length) throw mismatch(attempts, `more than ${release.length} bytes`);
    if (total < release.length) {
      const partial = resumed ?? partialOf(attempts, path, opened.etag);
      isKept = partial !== undefined;
      return { kind: 'cut', bytes: total, partial: partial && { ...partial, bytes: total }, cause };
    }
    const sha256 = hash.digest('hex');
    if (sha256 !== release.sha256) {
      const error = mismatch(attempts, `sha256 ${sha256}`);
      // The earlier bytes may be the wrong ones: an attacker can send a part and break off.
      if (resumed !== undefined) return { kind: 'unusable', cause: error };
      throw error;
    }
    attempts.signal.throwIfAborted();
    fsyncSync(fd);
    isKept = true;
    return { kind: 'whole', path };
  } finally {
    closeSync(fd);
    if (!isKept) rmSync(path, { force: true });
  }
}

/**
 * Renames the partial file so that a later call finds it. Undefined when it is useless to a later
 * call.
 */
function partialOf(
  { release, directory, mayResume, signal }: Attempts,
  path: string,
  etag: string | undefined,
): PartialDownload | undefined {
  if (!mayResume || signal.aborted || etag === undefined || statSync(path).size === 0)
    return undefined;
  const kept = unverifiedPath(directory, release.sha256, etag);
  renameSync(path, kept);
  return { path: kept, etag, bytes: 0 };
}

/** O_NOFOLLOW: a write must not go through a link in the place of a partial download. */
function openUnverified(path: string, isResumed: boolean): number {
  if (!isResumed) rmSync(path, { force: true });
  const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
  return openSync(path, O_WRONLY | O_NOFOLLOW | (isResumed ? O_APPEND : O_CREAT | O_EXCL), 0o600);
}

async function hashFile(hash: Hash, path: string): Promise<void> {
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
}

/**
 * Returns how many bytes were written, or `room + 1` when the body is too long. Throws the errors
 * of the disk; errors of the connection are returned as `cause`.
 */
async function writeBody(
  { body }: OpenResult,
  fd: number,
  hash: Hash,
  room: number,
): Promise<{ readonly bytes: number; readonly cause: unknown }> {
  let bytes = 0;
  let isWriting = false;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      if (bytes + chunk.length > room) return { bytes: room + 1, cause: undefined };
      hash.update(chunk);
      isWriting = true;
      writeFileSync(fd, chunk);
      isWriting = false;
      bytes += chunk.length;
    }
  } catch (cause) {
    if (isWriting) throw cause;
    return { bytes, cause };
  }
  return { bytes, cause: undefined };
}

function discard(partial: PartialDownload | undefined): void {
  if (partial !== undefined) rmSync(partial.path, { force: true });
}

/** 412: the object has another ETag now. 416: it has fewer bytes than have arrived. */
function isNoResume(error: unknown): error is CodedError {
  if (!(error instanceof CodedError)) return false;
  return error.code === 'S3_PRECONDITION_FAILED' || error.details['status'] === 416;
}

function mismatch({ bucket, tree, release }: DownloadRequest, found: string): CodedError {
  const url = urlOf({ bucket, tree, release });
  return new CodedError(
    `${url} is not what the signed metadata names: wanted ${release.length} bytes with sha256 ${release.sha256}, got ${found}; somebody changed the object, or a proxy did`,
    { code: 'BLOB_MISMATCH', next: 'mm doctor', details: { url, sha256: release.sha256 } },
  );
}

function tooSlow(
  request: DownloadRequest,
  limitMs: number,
  partial: PartialDownload | undefined,
  cause: unknown,
): CodedError {
  const { length } = request.release;
  return new CodedError(
    `${urlOf(request)}: ${partial?.bytes ?? 0} of ${length} bytes came within ${Math.round(limitMs / 1000)} s`,
    { code: 'S3_UNREACHABLE', cause, next: 'nothing: the next poll continues from there' },
  );
}

function givenUp(
  request: DownloadRequest,
  end: Exclude<AttemptEnd, { kind: 'whole' }>,
): CodedError {
  if (end.cause instanceof CodedError) return end.cause;
  const { bytes } = end as { readonly bytes: number };
  return new CodedError(
    `${urlOf(request)} broke off after ${bytes} of ${request.release.length} bytes, after ${ATTEMPTS} attempts`,
    {
      code: 'S3_UNREACHABLE',
      cause: end.cause,
      next: 'nothing: the next poll continues from there',
    },
  );
}

function urlOf({
  bucket,
  tree,
  release,
  key = blobKey(tree, release.sha256),
}: Pick<DownloadRequest, 'bucket' | 'tree' | 'release' | 'key'>): string {
  return `s3://${bucket.name}/${key}`;
}
