import { snapshotKey } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { getObject } from '../../repository/get-object.ts';
import type { TreePlace } from '../../repository/stored-files.ts';
import { type HistoryPoint, MAX_HISTORY_BYTES, pointsIn } from '../history.ts';
import type { CopiedPlace } from '../store.ts';

/** The states over time that earlier snapshots know, of this machine and of others. */
export async function pointsInBucket(
  { bucket, tree }: TreePlace,
  place: CopiedPlace,
): Promise<readonly HistoryPoint[]> {
  const key = snapshotKey(tree, 'history.json');
  try {
    const found = await getObject(bucket, key, { maxBytes: MAX_HISTORY_BYTES });
    return found.kind === 'object' ? pointsIn(found.bytes, place) : [];
  } catch (error) {
    if (error instanceof CodedError && error.code === 'S3_NOT_FOUND') return [];
    throw error;
  }
}
