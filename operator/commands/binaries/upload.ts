import { join } from 'node:path';
import { binaryKey } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import type { Context } from '../../context.ts';
import type { OpenTree } from '../../open-tree.ts';
import { digestOfObject } from '../../repository/require-blob.ts';
import { uploadFile } from '../../repository/upload/upload-file.ts';
import { UploadRecords } from '../../repository/upload/upload-records.ts';
import type { GivenFile } from './read-files.ts';

/** The hosts verify the length and the sha256, so a cache may keep the object forever. */
const HEADERS = {
  contentType: 'application/octet-stream',
  cacheControl: 'public, max-age=31536000, immutable',
};

/**
 * Uploads the files that the bucket does not have, and continues interrupted uploads. It holds no
 * lock, because this can take hours. Throws BLOB_MISMATCH for an object with other content.
 */
export async function uploadBinaries(
  context: Context,
  { config, bucket }: OpenTree,
  files: readonly GivenFile[],
): Promise<void> {
  const records = new UploadRecords(join(config.stateDirectory, 'uploads'));
  await records.abortOld(bucket, context.now());
  for (const file of files) {
    const key = binaryKey(config.tree, file);
    const there = await digestOfObject(bucket, key, file.length);
    if (there !== undefined && there.sha256 !== file.sha256) throw otherContent(bucket, key);
    if (there !== undefined) continue;
    context.notice(`uploading ${file.name}, ${counted(file.length, 'byte')}`);
    using progress = context.showProgress?.({ what: `uploading ${file.name}`, unit: 'byte' });
    await uploadFile(bucket, {
      ...{ key, file, records, now: context.now(), ...HEADERS },
      onProgress: (done) => progress?.at(done, file.length),
    });
  }
}

function otherContent(bucket: OpenTree['bucket'], key: string): CodedError {
  const url = `s3://${bucket.name}/${key}`;
  return new CodedError(`${url}: its content has another sha256`, {
    code: 'BLOB_MISMATCH',
    next: `find out who wrote it, then: ${bucket.awsCommand(`s3 rm ${url}`)}; then the same command again`,
    details: { key },
  });
}
