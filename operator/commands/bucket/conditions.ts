import type { Store } from '../../../bucket/s3/rights/store.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { withScratch } from './scratch.ts';

/** An ETag that no object has. */
const IMPOSSIBLE_ETAG = '0'.repeat(32);

/**
 * Tests whether the store keeps the conditions of writes, without which a publication is not safe.
 * Returns undefined when it does, otherwise a description of what it does instead. Throws S3_* for
 * any other refusal.
 */
export async function brokenConditions(store: Store, tree: string): Promise<string | undefined> {
  return await withScratch(store, tree, async ({ put }) => {
    const refuses = async (conditions: Parameters<typeof put>[1]): Promise<boolean> => {
      try {
        await put('second', conditions);
        return false;
      } catch (error) {
        if (error instanceof CodedError && error.code === 'S3_PRECONDITION_FAILED') return true;
        throw error;
      }
    };
    const etag = await put('first', { IfNoneMatch: '*' });
    if (!(await refuses({ IfNoneMatch: '*' }))) return 'it ignores If-None-Match';
    if (!(await refuses({ IfMatch: IMPOSSIBLE_ETAG }))) return 'it ignores If-Match';
    // Without quotes, as `Bucket.put` sends it.
    if (await refuses({ IfMatch: etag.replaceAll('"', '') })) return 'it refuses every If-Match';
    return undefined;
  });
}
