import { PassThrough, type Readable } from 'node:stream';

/** The body whole, or undefined as soon as it is known to be longer than `maxBytes`; the connection then ends, too. */
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

/** The same bytes; an error of `body` comes out as what `translate` makes of it. Destroying one destroys both. */
export function translateErrors(body: Readable, translate: (error: unknown) => Error): Readable {
  const translated = new PassThrough();
  // Whoever reads sees the error all the same; but it may come before anybody has begun to read.
  translated.on('error', () => {});
  body.on('error', (error) => translated.destroy(translate(error)));
  translated.once('close', () => body.destroy());
  return body.pipe(translated);
}
