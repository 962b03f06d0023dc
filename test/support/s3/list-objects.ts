import { element, S3Refusal, type S3Reply, xmlReply } from './reply.ts';
import type { S3Request } from './request.ts';
import type { S3Store } from './store.ts';

export const LIST_QUERY = [
  'list-type',
  'prefix',
  'delimiter',
  'max-keys',
  'start-after',
  'continuation-token',
  'encoding-type',
  'fetch-owner',
] as const;

/** ListObjectsV2; the first version is not implemented. */
export function listObjects({ bucket, query }: S3Request, store: S3Store): S3Reply {
  if (query.get('list-type') !== '2') throw new S3Refusal(501, 'NotImplemented');
  const prefix = query.get('prefix') ?? '';
  const token = query.get('continuation-token');
  const after = token === null ? query.get('start-after') : Buffer.from(token, 'base64url');
  const maxKeys = Math.min(Number(query.get('max-keys') ?? 1000), 1000);
  if (!(maxKeys >= 0)) throw new S3Refusal(400, 'InvalidArgument');
  const page = store.list(bucket, {
    prefix,
    delimiter: query.get('delimiter') ?? '',
    after: after?.toString() ?? '',
    maxKeys,
  });
  const encoding = query.get('encoding-type') ?? undefined;
  const name = encoding === 'url' ? encodeKey : (key: string) => key;
  const contents = page.objects.map(({ key, body, etag, lastModified }) =>
    element('Contents', {
      Key: name(key),
      LastModified: lastModified.toISOString(),
      ETag: etag,
      Size: body.length,
      StorageClass: 'STANDARD',
    }),
  );
  const groups = page.commonPrefixes.map((g) => element('CommonPrefixes', { Prefix: name(g) }));
  const fields = {
    Name: bucket,
    Prefix: name(prefix),
    KeyCount: contents.length + groups.length,
    MaxKeys: maxKeys,
    EncodingType: encoding,
    IsTruncated: page.next !== undefined,
    NextContinuationToken: page.next && Buffer.from(page.next).toString('base64url'),
  };
  return xmlReply(200, element('ListBucketResult', fields, [...contents, ...groups].join('')));
}

/** As AWS does it: a form's encoding, slashes left alone. */
function encodeKey(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');
}
