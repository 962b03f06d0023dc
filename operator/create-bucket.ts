import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { createS3Client } from '../bucket/s3/sdk/client.ts';
import type { S3Settings } from '../bucket/s3/settings.ts';
import { CodedError } from '../shared/coded-error.ts';

/**
 * Makes a bucket with the store's own defaults; on AWS those are private and encrypted. Throws
 * S3_FAILED.
 */
export async function createBucket(name: string, settings: S3Settings): Promise<void> {
  const client = createS3Client(settings);
  try {
    const region = await client.config.region();
    // AWS takes its oldest region as no constraint, and other stores know none.
    const isPlain = region === 'us-east-1' || settings.endpoint !== undefined;
    const place = isPlain ? {} : { LocationConstraint: region as 'eu-central-1' };
    await client.send(
      new CreateBucketCommand({
        Bucket: name,
        ...(isPlain ? {} : { CreateBucketConfiguration: place }),
      }),
    );
  } catch (cause) {
    const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw new CodedError(`cannot make bucket ${name}: ${why}`, {
      code: 'S3_FAILED',
      cause,
      next: 'choose another name, or have somebody make it who may (s3:CreateBucket)',
      details: { bucket: name },
    });
  } finally {
    client.destroy();
  }
}
