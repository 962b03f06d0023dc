import * as z from 'zod';

/** The name of a bucket, or the ARN of an access point in its place. */
export const BucketName = z
  .string()
  .regex(
    /^([a-zA-Z0-9][a-zA-Z0-9._-]{1,61}[a-zA-Z0-9]|arn:[a-zA-Z0-9:/._-]{1,200})$/,
    'expected a bucket name of 3 to 63 letters, digits, ".", "_" and "-", for example "masterless-puppet.example.com", or the ARN of an access point; without "s3://"',
  )
  .meta({ example: 'masterless-puppet.example.com' });
