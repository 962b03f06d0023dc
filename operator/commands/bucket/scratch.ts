import { randomBytes } from 'node:crypto';
import { PutObjectCommand, type PutObjectCommandInput } from '@aws-sdk/client-s3';
import { statusPrefix } from '../../../bucket/layout.ts';
import { removeVersion, type Store } from '../../../bucket/s3/rights/store.ts';

/** An object that is removed after the work, with all of its versions. */
export interface Scratch {
  readonly key: string;
  /** Writes it. Returns its ETag. */
  put(
    body: string,
    conditions?: Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch'>,
  ): Promise<string>;
}

/**
 * Works on an object that nobody else uses. Its key is below `status/`: when this process is
 * killed, the lifecycle of that prefix removes it.
 */
export async function withScratch<T>(
  store: Store,
  tree: string,
  work: (scratch: Scratch) => Promise<T>,
): Promise<T> {
  const key = `${statusPrefix(tree)}bucket-init-${randomBytes(8).toString('hex')}`;
  const written = new Set<string | undefined>();
  const put: Scratch['put'] = async (body, conditions = {}) => {
    const input = { Bucket: store.bucket, Key: key, Body: Buffer.from(body), ...conditions };
    const answer = await store.request('write', key, (client, options) =>
      client.send(new PutObjectCommand(input), options),
    );
    written.add(answer.VersionId);
    return answer.ETag ?? '';
  };
  try {
    return await work({ key, put });
  } finally {
    // Without the permission to remove it, the lifecycle does.
    for (const versionId of written) await removeVersion(store, key, versionId);
  }
}
