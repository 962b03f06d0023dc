import type { Bucket, GetOptions, GetResult, ListedObject } from '../../bucket/bucket.ts';
import { CodedError } from '../../shared/coded-error.ts';

/**
 * Gets an object. S3 answers 403 for a missing key to a caller that may list only below a prefix,
 * as the policies of `mm policy` say: a listing then tells whether the object is there. Throws
 * S3_NOT_FOUND, and S3_ACCESS_DENIED for an object that these credentials may not read.
 */
export async function getObject(
  bucket: Pick<Bucket, 'name' | 'get' | 'list'>,
  key: string,
  options: GetOptions,
): Promise<GetResult> {
  try {
    return await bucket.get(key, options);
  } catch (cause) {
    if (!(cause instanceof CodedError && cause.code === 'S3_ACCESS_DENIED')) throw cause;
    if (await isListed(bucket, key, cause)) throw cause;
    throw new CodedError(`there is no s3://${bucket.name}/${key}`, {
      code: 'S3_NOT_FOUND',
      cause,
      details: { key },
    });
  }
}

async function isListed(
  bucket: Pick<Bucket, 'list'>,
  key: string,
  denied: CodedError,
): Promise<boolean> {
  try {
    return (await listedObject(bucket, key)) !== undefined;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'S3_ACCESS_DENIED') throw denied;
    throw error;
  }
}

/** The object with that key, as the listing has it. Undefined when it does not exist. */
export async function listedObject(
  bucket: Pick<Bucket, 'list'>,
  key: string,
): Promise<ListedObject | undefined> {
  // The listing is in the order of keys: if the object exists, it is the first one.
  for await (const listed of bucket.list(key)) return listed.key === key ? listed : undefined;
  return undefined;
}
