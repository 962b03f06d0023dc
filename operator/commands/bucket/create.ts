import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { answerText, isRefusal, type Store, withStore } from '../../../bucket/s3/rights/store.ts';
import type { S3Settings } from '../../../bucket/s3/settings.ts';
import { CodedError } from '../../../shared/coded-error.ts';

/**
 * Makes a bucket with the store's own defaults; on AWS those are private and encrypted. Throws
 * S3_FAILED, CONFIG_INVALID.
 */
export async function createBucket(name: string, settings: S3Settings): Promise<void> {
  await withStore(name, settings, createIn);
}

/** The same in a store that is open. */
export async function createIn(store: Store): Promise<void> {
  const { bucket, isAws } = store;
  try {
    await store.request('write', '', async (client, options) => {
      const region = await client.config.region();
      // AWS allows no constraint for its oldest region, and other stores ignore it.
      const isPlain = region === 'us-east-1' || !isAws;
      const place = { LocationConstraint: region as 'eu-central-1' };
      const input = isPlain ? {} : { CreateBucketConfiguration: place };
      await client.send(new CreateBucketCommand({ Bucket: bucket, ...input }), options);
    });
  } catch (cause) {
    if (!isRefusal(cause)) throw cause;
    throw new CodedError(`cannot make bucket ${bucket}: ${answerText(cause)}`, {
      code: 'S3_FAILED',
      cause,
      next: 'choose another name, or ask a person with the permission s3:CreateBucket to create it',
      details: { bucket },
    });
  }
}
