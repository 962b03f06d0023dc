import { createHash } from 'node:crypto';
import { blobKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { listedObject } from './get-object.ts';
import { isMissing, type TreePlace } from './stored-files.ts';

export interface SignedBlob {
  readonly sha256: string;
  readonly length: number;
  /** The name of the release for messages. */
  readonly description: string;
}

/**
 * Reads a tarball of the bucket before it is signed for other hosts. Throws RELEASE_INVALID when it
 * is missing or has other bytes, because hosts could then not install the release.
 */
export async function requireBlob(
  { bucket, tree }: TreePlace,
  { sha256, length, description }: SignedBlob,
): Promise<void> {
  const key = blobKey(tree, sha256);
  const found = await digestOfObject(bucket, key, length);
  if (found?.length === length && found.sha256 === sha256) return;
  const what = found === undefined ? 'is missing' : 'is not the one that was signed';
  throw new CodedError(`the tarball of ${description} ${what}: s3://${bucket.name}/${key}`, {
    code: 'RELEASE_INVALID',
    next: 'bring its object version back, or name another release',
  });
}

/**
 * Whether the bucket has a tarball of that length. It costs one request, and does not read the
 * tarball.
 */
export async function hasBlob(
  { bucket, tree }: TreePlace,
  { sha256, length }: Pick<SignedBlob, 'sha256' | 'length'>,
): Promise<boolean> {
  return (await listedObject(bucket, blobKey(tree, sha256)))?.size === length;
}

/**
 * Reads an object of the bucket for its digest; at most one byte more than `max`. Undefined when it
 * is missing.
 */
export async function digestOfObject(
  bucket: TreePlace['bucket'],
  key: string,
  max: number,
): Promise<{ readonly sha256: string; readonly length: number } | undefined> {
  try {
    const { body } = await bucket.open(key);
    const hash = createHash('sha256');
    let length = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > max) break; // leaving the loop destroys the body
      hash.update(chunk);
    }
    return { sha256: hash.digest('hex'), length };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
