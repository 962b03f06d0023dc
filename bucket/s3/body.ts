import { PassThrough, type Readable } from 'node:stream';

/**
 * The whole body; undefined as soon as it is known to be longer than `maxBytes`, and the connection
 * ends.
 */
export async function readBounded(
  body: Readable,
  { maxBytes, length }: { readonly maxBytes: number; readonly length: number | undefined },
): Promise<Buffer | undefined> {
  if (length !== undefined && length > maxBytes) {
    body.destroy();
    return undefined;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop destroys the body.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The first byte that a Content-Range header names; 0 without one, NaN when it cannot be read. */
export function firstByte(contentRange: string | undefined): number {
  if (contentRange === undefined) return 0;
  return Number(/^bytes (\d{1,15})-/.exec(contentRange)?.[1] ?? Number.NaN);
}

/**
 * The same bytes. `translate` makes the error that comes out of an error of `body`. Destroying one
 * destroys both.
 */
export function translateErrors(body: Readable, translate: (error: unknown) => Error): Readable {
  const translated = new PassThrough();
  // The reader sees the error anyway, but it may come before anybody has begun to read.
  translated.on('error', () => {});
  body.on('error', (error) => translated.destroy(translate(error)));
  translated.once('close', () => body.destroy());
  return body.pipe(translated);
}
