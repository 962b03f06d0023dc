import assert from 'node:assert/strict';
import type { Bucket, ListedObject } from '../../../bucket/bucket.ts';
import type { ErrorCode } from '../../../shared/coded-error.ts';

/** Asserts a rejection with that code, with what was wanted and what to do next. */
export async function rejectsWith(code: ErrorCode, attempt: Promise<unknown>): Promise<void> {
  await assert.rejects(attempt, (error: Error & { code?: string; next?: string }) => {
    assert.equal(error.code, code, error.stack);
    assert.match(error.message, /^cannot (read|write|list|remove|resume|abort) s3:\/\/./);
    assert.ok(error.next);
    return true;
  });
}

/** The content of a small object. */
export async function text(bucket: Bucket, key: string): Promise<string> {
  const got = await bucket.get(key, { maxBytes: 10_000 });
  assert.equal(got.kind, 'object');
  return got.bytes.toString();
}

/** The objects of all pages. */
export async function all(bucket: Bucket, prefix: string): Promise<readonly ListedObject[]> {
  const objects: ListedObject[] = [];
  for await (const object of bucket.list(prefix)) objects.push(object);
  return objects;
}

/** Same host, same clock; the header has whole seconds. */
export function assertServerTime(ms: number | undefined): void {
  assert.ok(ms !== undefined && Math.abs(Date.now() - ms) < 60_000, `server time ${ms}`);
}
