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

/** S3 answers "denied" for a missing object when the caller has no permission to list. */
export function isMissing(error: unknown): error is CodedError {
  return (
    error instanceof CodedError &&
    (error.code === 'S3_NOT_FOUND' || error.code === 'S3_ACCESS_DENIED')
  );
}
