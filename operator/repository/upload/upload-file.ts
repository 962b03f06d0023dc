import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Bucket } from '../../../bucket/bucket.ts';
import { FileContent, type FileRange } from '../../../bucket/file-content.ts';
import type { ObjectHeaders, Upload, UploadedPart } from '../../../bucket/multipart.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { UploadRecords } from './upload-records.ts';

/** A file that does not change while it is uploaded. */
export interface WholeFile {
  readonly path: string;
  readonly length: number;
  readonly sha256: string;
}

export interface FileUpload extends ObjectHeaders {
  readonly key: string;
  readonly file: WholeFile;
  readonly records: UploadRecords;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Bytes of the file that the store has. */
  onProgress(done: number): void;
  /** Files with more bytes are uploaded in parts. By default {@link LARGE_BYTES}. */
  readonly largeBytes?: number;
  /** Bytes of a part; by default what the length of the file needs. */
  readonly partBytes?: number;
}

/** A single request with more bytes would be sent again as a whole when it breaks off. */
export const LARGE_BYTES = 64 * 1024 ** 2;
const LEAST_PART_BYTES = 16 * 1024 ** 2;
/** S3's limit. */
const MAX_PARTS = 10_000;

/**
 * Writes a file to the bucket. A large one is sent in parts, and when that is interrupted, the next
 * call goes on with the parts that the store has. Throws S3_*, and S3_NOT_FOUND when the store has
 * dropped the upload meanwhile: then the next call begins again.
 */
export async function uploadFile(bucket: Bucket, upload: FileUpload): Promise<void> {
  const { key, file, contentType, cacheControl, largeBytes = LARGE_BYTES, onProgress } = upload;
  const headers = {
    ...(contentType !== undefined && { contentType }),
    ...(cacheControl !== undefined && { cacheControl }),
  };
  if (file.length > largeBytes) await uploadInParts(bucket, upload, headers);
  else await bucket.put(key, new FileContent(file, onProgress), headers);
}

async function uploadInParts(
  bucket: Bucket,
  given: FileUpload,
  headers: ObjectHeaders,
): Promise<void> {
  const { file, records, now, onProgress } = given;
  const { sha256, length } = file;
  const { upload, there } =
    (await continued(bucket, given)) ?? (await begun(bucket, given, headers));
  records.add(bucket, upload, { sha256, now });
  const partBytes = given.partBytes ?? partBytesFor(length);
  const parts: UploadedPart[] = [];
  try {
    for (let offset = 0; offset < length; offset += partBytes) {
      const number = parts.length + 1;
      const range = { path: file.path, offset, length: Math.min(partBytes, length - offset) };
      const digests = await digestsOf(range);
      const found = there.find((part) => part.number === number && isSame(part, range, digests));
      const content = new FileContent({ ...range, ...digests }, (sent) =>
        onProgress(offset + sent),
      );
      parts.push(found ?? (await bucket.multipart.putPart(upload, number, content)));
      onProgress(offset + range.length);
    }
    await bucket.multipart.complete(upload, parts);
  } catch (error) {
    if (isGone(error)) records.remove(sha256);
    throw error;
  }
  records.remove(sha256);
}

interface Begun {
  readonly upload: Upload;
  readonly there: readonly UploadedPart[];
}

/** An earlier call of this machine was interrupted, and the store still has its parts. */
async function continued(bucket: Bucket, given: FileUpload): Promise<Begun | undefined> {
  const { key, file, records } = given;
  const upload = records.find(bucket, key, file.sha256);
  if (upload === undefined) return undefined;
  try {
    return { upload, there: await bucket.multipart.parts(upload) };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

async function begun(bucket: Bucket, { key }: FileUpload, headers: ObjectHeaders): Promise<Begun> {
  return { upload: await bucket.multipart.create(key, headers), there: [] };
}

/** Whole MiB, so that the parts of one file are the same in each call. */
function partBytesFor(length: number): number {
  const least = Math.ceil(length / MAX_PARTS / 1024 ** 2) * 1024 ** 2;
  return Math.max(LEAST_PART_BYTES, least);
}

interface Digests {
  readonly sha256: string;
  readonly md5: string;
}

async function digestsOf({ path, offset, length }: Omit<Required<FileRange>, 'sha256'>) {
  const sha256 = createHash('sha256');
  const md5 = createHash('md5');
  const range = createReadStream(path, { start: offset, end: offset + length - 1 });
  for await (const chunk of range as AsyncIterable<Buffer>) {
    sha256.update(chunk);
    md5.update(chunk);
  }
  return { sha256: sha256.digest('hex'), md5: md5.digest('hex') };
}

/**
 * Whether the store has exactly these bytes. Anyone who can write to the bucket may have uploaded
 * the part. A store without checksums has the MD5 in the ETag, unless it encrypts with KMS: then
 * the part is sent again.
 */
function isSame(
  part: UploadedPart,
  { length }: Pick<FileRange, 'length'>,
  { sha256, md5 }: Digests,
): boolean {
  if (part.length !== length) return false;
  return part.sha256 === undefined ? part.etag === `"${md5}"` : part.sha256 === sha256;
}

function isGone(error: unknown): boolean {
  return error instanceof CodedError && error.code === 'S3_NOT_FOUND';
}
