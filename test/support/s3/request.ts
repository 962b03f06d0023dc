import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { S3Refusal } from './reply.ts';

/**
 * More than any release, so that a mistake ends as a refusal and not in the kernel's out-of-memory
 * killer.
 */
const MAX_BODY_BYTES = 256 * 1024 * 1024;

export interface S3Request {
  readonly method: string;
  /** As it came, still encoded: what was signed. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Empty: the request is about all buckets. */
  readonly bucket: string;
  /** Empty: the request is about the bucket. */
  readonly key: string;
  readonly headers: IncomingHttpHeaders;
}

/**
 * `ofHost` is the bucket that the Host header names; undefined: the path begins with the bucket.
 * Throws URIError when the path is badly encoded.
 */
export function parseRequest(
  { method = '', url = '', headers }: IncomingMessage,
  ofHost?: string,
): S3Request {
  const [path = '', query = ''] = url.split('?', 2);
  const [, first = '', rest = ''] = /^\/([^/]*)\/?(.*)$/s.exec(path) ?? [];
  const [bucket, key] = ofHost === undefined ? [first, rest] : [ofHost, path.slice(1)];
  return {
    method,
    path,
    // A plus is a plus: what S3 signs and reads is percent-encoded only.
    query: new URLSearchParams(query.replaceAll('+', '%2B')),
    bucket: decodeURIComponent(bucket),
    key: decodeURIComponent(key),
    headers,
  };
}

/** Reads the whole body of a request. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new S3Refusal(400, 'EntityTooLarge');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A header that comes once. */
export function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}
