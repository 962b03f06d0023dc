import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { answerText, isRefusal, type Store, withStore } from '../../../bucket/s3/rights/store.ts';
import type { S3Settings } from '../../../bucket/s3/settings.ts';
import { CodedError } from '../../../shared/coded-error.ts';

/**
 * Makes a bucket with the store's own defaults; on AWS those are private and encrypted. Throws
 * S3_FAILED, CONFIG_INVALID.
 */
export async function createBucket(name: string, settings: S3Settings): Promise<void> {
  assertNewName(name);
  await withStore(name, settings, createIn);
}

/** Creates a bucket in an opened store, after its name was checked. */
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

/** The rules of S3 for new buckets; old buckets of us-east-1 may have other names. */
const NEW_NAME = /^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Some stores accept other names, and their clients then fail. Throws CONFIG_INVALID. */
export function assertNewName(bucket: string): void {
  if (NEW_NAME.test(bucket)) return;
  throw new CodedError(
    `cannot make bucket ${bucket}: expected 3 to 63 lower-case letters, digits, "." and "-"`,
    {
      code: 'CONFIG_INVALID',
      next: `choose another name, for example ${bucket.toLowerCase().replaceAll('_', '-')}`,
      details: { bucket },
    },
  );
}
