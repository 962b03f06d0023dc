import type { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';

/**
 * Adds the sha256 to the signature. The SDK cannot read a stream twice, and would sign without it.
 */
export function signWith(command: PutObjectCommand | UploadPartCommand, sha256: string): void {
  // The two types differ only in their input, which this does not read.
  const { middlewareStack } = command as PutObjectCommand;
  middlewareStack.add(
    (next) => async (args) => {
      const { headers } = args.request as { headers: Record<string, string> };
      headers['x-amz-content-sha256'] = sha256;
      return await next(args);
    },
    { step: 'build' },
  );
}
