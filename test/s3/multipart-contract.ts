import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileContent } from '../../bucket/file-content.ts';
import { rejectsWith } from '../support/s3/assert.ts';
import type { Contract } from '../support/s3/clients.ts';

/** S3 accepts no smaller part but the last. */
const LEAST_PART_BYTES = 5 * 1024 * 1024;

/** What an upload in parts needs from S3. */
export function uploadsInParts(contract: Contract): void {
  contract('parts of an upload are listed, and make one object in the end', async (open) => {
    const owner = open('owner');
    const { multipart } = owner;
    const key = newKey();
    const directory = await mkdtemp(join(tmpdir(), 'miyamoto-test-'));
    try {
      const path = join(directory, 'file');
      const bytes = randomBytes(LEAST_PART_BYTES + 1000);
      await writeFile(path, bytes);
      const part = (offset: number, end: number) => {
        const sha256 = createHash('sha256').update(bytes.subarray(offset, end)).digest('hex');
        return new FileContent({ path, offset, length: end - offset, sha256 });
      };
      const upload = await multipart.create(key, { contentType: 'application/octet-stream' });
      const first = await multipart.putPart(upload, 1, part(0, LEAST_PART_BYTES));
      const second = await multipart.putPart(upload, 2, part(LEAST_PART_BYTES, bytes.length));
      const listed = await multipart.parts(upload);
      assert.deepEqual(
        listed.map(({ number, length, etag }) => [number, length, etag]),
        [first, second].map(({ number, length, etag }) => [number, length, etag]),
      );
      await rejectsWith('S3_NOT_FOUND', owner.get(key, { maxBytes: bytes.length }));
      await multipart.complete(upload, [first, second]);
      const got = await owner.get(key, { maxBytes: bytes.length });
      assert.ok(got.kind === 'object' && got.bytes.equals(bytes));
      await rejectsWith('S3_NOT_FOUND', multipart.parts(upload));
      const aborted = await multipart.create(newKey());
      await multipart.abort(aborted);
      await rejectsWith('S3_NOT_FOUND', multipart.parts(aborted));
      await multipart.abort(aborted);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}

function newKey(): string {
  return `ubuntu/binaries/contract-${randomBytes(8).toString('hex')}`;
}
