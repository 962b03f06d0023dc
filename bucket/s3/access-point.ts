import { CodedError } from '../../shared/coded-error.ts';

/** An access point of S3. Its ARN is used in place of the name of a bucket. */
export interface AccessPoint {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
  readonly name: string;
}

const ARN = /^arn:(aws[a-z-]*):s3:([a-z0-9-]*):(\d{12}):accesspoint[:/]([a-z0-9.-]{3,63})$/;

/**
 * Parses the ARN of an access point. Returns undefined for the name of a bucket. Throws
 * CONFIG_INVALID for every other ARN.
 */
export function accessPointOf(bucket: string): AccessPoint | undefined {
  if (!bucket.startsWith('arn:')) return undefined;
  const [, partition = '', region = '', account = '', name = ''] = ARN.exec(bucket) ?? [];
  if (region !== '' && !name.endsWith('.mrap')) return { partition, region, account, name };
  const isMultiRegion = name.endsWith('.mrap');
  throw new CodedError(
    isMultiRegion
      ? `${bucket} is a multi-region access point, which needs signatures of another kind (SigV4A)`
      : `${bucket} is not the ARN of an S3 access point`,
    {
      code: 'CONFIG_INVALID',
      next: isMultiRegion
        ? 'set bucket to an access point of one region, or to the name of the bucket'
        : 'set bucket to the name of a bucket, or to an ARN like arn:aws:s3:eu-central-1:123456789012:accesspoint/NAME',
    },
  );
}
