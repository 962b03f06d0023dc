import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { fetchRelease, type VerifiedTarball } from '../../agent/steps/fetch/fetch.ts';
import type { Bucket, OpenResult } from '../../bucket/bucket.ts';

/** What `bucket.open` returns: bytes, or a body that the test makes for each attempt. */
export type Blob =
  | Buffer
  | ((attempt: number) => Partial<OpenResult> & { readonly body: Readable });

export interface MemoryBlobs extends Pick<Bucket, 'open' | 'name'> {
  /** The requested keys, in order. */
  readonly opened: string[];
}

export function memoryBlobs(blob: Blob): MemoryBlobs {
  const opened: string[] = [];
  return {
    name: 'test-bucket',
    opened,
    async open(key) {
      opened.push(key);
      if (typeof blob !== 'function') {
        return { body: Readable.from([blob]), length: blob.length, etag: '"e"' };
      }
      return { length: undefined, etag: '"e"', ...blob(opened.length) };
    },
  };
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Fetches and verifies the bytes: the only way to get a verified tarball. */
export async function verifiedTarball(bytes: Buffer, directory: string): Promise<VerifiedTarball> {
  return await fetchRelease({
    bucket: memoryBlobs(bytes),
    tree: 'ubuntu',
    release: { sha256: sha256Of(bytes), length: bytes.length },
    directory,
    maxBytes: Number.MAX_SAFE_INTEGER,
    signal: new AbortController().signal,
  });
}
