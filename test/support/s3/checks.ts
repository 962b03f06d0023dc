import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { S3Refusal } from './reply.ts';
import { header, type S3Request } from './request.ts';
import type { StoredObject } from './store.ts';

type Headers = S3Request['headers'];

/**
 * RFC 9110 for reading: 412 when If-Match does not hold, `not-modified` when If-None-Match names
 * what is there.
 */
export function checkRead(headers: Headers, { etag }: StoredObject): 'send' | 'not-modified' {
  const ifMatch = header(headers, 'if-match');
  if (ifMatch !== undefined && !names(ifMatch, etag))
    throw new S3Refusal(412, 'PreconditionFailed');
  const ifNoneMatch = header(headers, 'if-none-match');
  return ifNoneMatch !== undefined && names(ifNoneMatch, etag) ? 'not-modified' : 'send';
}

/** S3's conditional writes: `If-None-Match: *` and `If-Match: <etag>`, quotes or not. */
export function checkWrite(headers: Headers, existing: StoredObject | undefined): void {
  const ifNoneMatch = header(headers, 'if-none-match');
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw new S3Refusal(501, 'NotImplemented');
  if (ifNoneMatch === '*' && existing !== undefined) throw new S3Refusal(412, 'PreconditionFailed');
  const ifMatch = header(headers, 'if-match');
  if (ifMatch === undefined) return;
  if (existing === undefined) throw new S3Refusal(404, 'NoSuchKey');
  if (!names(ifMatch, existing.etag)) throw new S3Refusal(412, 'PreconditionFailed');
}

/**
 * S3's conditional deletes: `If-Match: *` and `If-Match: <etag>`. Both fail where nothing is there.
 */
export function checkDelete(headers: Headers, existing: StoredObject | undefined): void {
  const ifMatch = header(headers, 'if-match');
  if (ifMatch === undefined) return;
  if (existing === undefined) throw new S3Refusal(404, 'NoSuchKey');
  if (!names(ifMatch, existing.etag)) throw new S3Refusal(412, 'PreconditionFailed');
}

const CHECKSUMS: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  'content-md5': (body) => createHash('md5').update(body).digest(),
  'x-amz-checksum-sha256': (body) => createHash('sha256').update(body).digest(),
  'x-amz-checksum-sha1': (body) => createHash('sha1').update(body).digest(),
  'x-amz-checksum-crc32': (body) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(crc32(body));
    return bytes;
  },
};

export function checkChecksums(headers: Headers, body: Buffer): void {
  for (const [name, checksum] of Object.entries(CHECKSUMS)) {
    const claimed = header(headers, name);
    if (claimed !== undefined && claimed !== checksum(body).toString('base64'))
      throw new S3Refusal(400, 'BadDigest');
  }
}

function names(condition: string, etag: string): boolean {
  const bare = etag.replaceAll('"', '');
  return (
    condition === '*' || condition.split(',').some((e) => e.replaceAll('"', '').trim() === bare)
  );
}
