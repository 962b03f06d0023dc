import type { PutResult } from '../../bucket/bucket.ts';
import { FileContent } from '../../bucket/file-content.ts';
import { blobKey, metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import type { SignedFile } from '../metadata/signed-file.ts';
import type { Repository } from '../repository/repository.ts';
import { digestOfObject } from '../repository/require-blob.ts';
import { IMMUTABLE, isTaken, type TreePlace } from '../repository/stored-files.ts';
import type { Blob } from './change.ts';

/** Uploads a tarball unless it exists. Throws BLOB_MISMATCH when other content has its name. */
export async function putBlob(
  { bucket, tree, showProgress }: TreePlace & Pick<Repository, 'showProgress'>,
  blob: Blob,
): Promise<void> {
  const { sha256, length } = blob;
  const key = blobKey(tree, sha256);
  using progress = showProgress?.({ what: 'uploading the release', unit: 'byte' });
  const content = new FileContent(blob, (sent) => progress?.at(sent, length));
  try {
    await bucket.put(key, content, {
      createOnly: true,
      contentType: 'application/gzip',
      cacheControl: IMMUTABLE,
    });
  } catch (error) {
    if (!isTaken(error)) throw error;
    const found = await digestOfObject(bucket, key, length);
    if (found?.sha256 !== sha256) {
      const url = `s3://${bucket.name}/${key}`;
      throw new CodedError(`${url}: its content has another sha256`, {
        code: 'BLOB_MISMATCH',
        cause: error,
        next: `find out who wrote it, then: ${bucket.awsCommand(`s3 rm ${url}`)}`,
        details: { key, wanted: sha256, found: found?.sha256 },
      });
    }
  }
}

/**
 * Replaces the timestamp.json with this ETag; undefined: there must be no such file yet. `lost`:
 * another publisher was first.
 */
export async function putTimestamp(
  { bucket, tree }: TreePlace,
  { file, bytes }: SignedFile,
  etag: string | undefined,
): Promise<PutResult | 'lost'> {
  const condition = etag === undefined ? { createOnly: true } : { ifMatch: etag };
  try {
    return await bucket.put(metadataKey(tree, file), bytes, {
      ...condition,
      contentType: 'application/json',
      cacheControl: 'no-cache',
    });
  } catch (error) {
    if (isTaken(error)) return 'lost';
    throw error;
  }
}
