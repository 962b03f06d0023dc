import type { Bucket } from '../../bucket/bucket.ts';
import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { maxBytesOf } from '../../trust/metadata/file-limits.ts';

/** Where a tree is. */
export interface TreePlace {
  readonly bucket: Bucket;
  /** The tree's prefix. */
  readonly tree: string;
}

/** For objects that are never replaced. */
export const IMMUTABLE = 'public, max-age=31536000, immutable';

/** More than a tree has after 50 years with ten publications a day. */
const MAX_LISTED = 500_000;

export interface StoredFile {
  readonly bytes: Buffer;
  readonly etag: string | undefined;
  /** S3's clock, ms since 1970. */
  readonly serverDate: number | undefined;
}

/** A metadata file from the bucket, not verified; undefined when it is missing or too large. */
export async function readFile(
  { bucket, tree }: TreePlace,
  file: string,
): Promise<StoredFile | undefined> {
  try {
    const found = await bucket.get(metadataKey(tree, file), { maxBytes: maxBytesOf(file) });
    return found.kind === 'object' ? found : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    if (error instanceof CodedError && error.code === 'S3_TOO_LARGE') return undefined;
    throw error;
  }
}

/**
 * Uploads a file of signed metadata unless it exists. `taken`: another file has its name. A file
 * with the same bytes is our own, from an attempt whose answer was lost.
 */
export async function putMetadata(
  place: TreePlace,
  { file, bytes }: { readonly file: string; readonly bytes: Buffer },
): Promise<'there' | 'taken'> {
  const { bucket, tree } = place;
  const key = metadataKey(tree, file);
  try {
    const contentType = 'application/json';
    await bucket.put(key, bytes, { createOnly: true, contentType, cacheControl: IMMUTABLE });
    return 'there';
  } catch (error) {
    if (!isTaken(error)) throw error;
  }
  const found = await readFile(place, file);
  return found?.bytes.equals(bytes) === true ? 'there' : 'taken';
}

/** Whether a file of that name exists. Its size does not matter. */
export async function isThere({ bucket, tree }: TreePlace, file: string): Promise<boolean> {
  try {
    const { body } = await bucket.open(metadataKey(tree, file));
    body.destroy();
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** What S3 says about a file that readFile does not read: its ETag, if there, and S3's clock. */
export async function answerFor(
  { bucket, tree }: TreePlace,
  file: string,
): Promise<Pick<StoredFile, 'etag' | 'serverDate'>> {
  try {
    const { body, etag, serverDate } = await bucket.open(metadataKey(tree, file));
    body.destroy();
    return { etag, serverDate };
  } catch (error) {
    if (!isMissing(error)) throw error;
    return { etag: undefined, serverDate: dateOfMissing(error) };
  }
}

/** S3's clock in the answer that an object is missing, see {@link isMissing}. */
export function dateOfMissing({ details: { serverDate } }: CodedError): number | undefined {
  return typeof serverDate === 'number' ? serverDate : undefined;
}

/**
 * Names of all metadata files. Throws METADATA_INVALID when the bucket has far more objects than a
 * tree needs.
 */
export async function listFiles({ bucket, tree }: TreePlace): Promise<string[]> {
  const prefix = metadataKey(tree, '');
  const files: string[] = [];
  for await (const { key } of bucket.list(prefix)) {
    files.push(key.slice(prefix.length));
    if (files.length > MAX_LISTED) {
      throw new CodedError(`more than ${MAX_LISTED} objects below ${prefix}`, {
        code: 'METADATA_INVALID',
        next: 'find out who writes to the bucket, and remove the objects that no metadata names',
      });
    }
  }
  return files;
}

/** Another object has the name, or the object is no longer the one that was read. */
export function isTaken(error: unknown): boolean {
  return error instanceof CodedError && error.code === 'S3_PRECONDITION_FAILED';
}

/** S3 answers "denied" for a missing object when the caller has no permission to list. */
export function isMissing(error: unknown): error is CodedError {
  return (
    error instanceof CodedError &&
    (error.code === 'S3_NOT_FOUND' || error.code === 'S3_ACCESS_DENIED')
  );
}
