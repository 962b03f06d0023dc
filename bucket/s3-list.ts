import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import type { ListedObject } from './bucket.ts';

/** The objects of one page. Keys are decoded where the store encoded them, which it says. */
export function listedObjects(page: ListObjectsV2CommandOutput): readonly ListedObject[] {
  const encoded = page.EncodingType === 'url';
  return (page.Contents ?? []).flatMap(({ Key, Size = 0, ETag = '', LastModified }) =>
    Key === undefined
      ? []
      : [
          {
            key: encoded ? decodeKey(Key) : Key,
            size: Size,
            etag: ETag,
            lastModified: LastModified?.getTime() ?? 0,
          },
        ],
  );
}

/** A form's encoding: AWS writes a space as `+`, Ceph as `%20`, and both a plus as `%2B`. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    // No key of ours: left as it came, so that one odd key does not hide all others.
    return key;
  }
}
