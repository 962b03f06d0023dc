import type { Bucket } from '../../bucket/bucket.ts';
import { getObject } from '../repository/get-object.ts';

/** Reads the status or the facts of a host. Throws S3_NOT_FOUND when it has sent none. */
export async function readHostObject(
  bucket: Pick<Bucket, 'name' | 'get' | 'list'>,
  key: string,
  maxBytes: number,
): Promise<Buffer> {
  const answer = await getObject(bucket, key, { maxBytes });
  // Without an ETag in the request there is no other answer.
  return answer.kind === 'object' ? answer.bytes : Buffer.alloc(0);
}
