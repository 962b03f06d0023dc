import { PassThrough, type Readable } from 'node:stream';

/**
 * Returns the whole body. Returns undefined, and closes the connection, as soon as the body is
 * longer than `maxBytes`.
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
 * Returns a stream of the same bytes, with the errors of `body` passed through `translate`.
 * Destroying one stream destroys both.
 */
export function translateErrors(body: Readable, translate: (error: unknown) => Error): Readable {
  const translated = new PassThrough();
  // Without a listener, an error before the first read would end the process. The reader still gets
  // it.
  translated.on('error', () => {});
  body.on('error', (error) => translated.destroy(translate(error)));
  translated.once('close', () => body.destroy());
  return body.pipe(translated);
}
