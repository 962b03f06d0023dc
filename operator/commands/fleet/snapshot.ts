import type { Bucket } from '../../../bucket/bucket.ts';
import { snapshotKey } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import {
  type HistoryPoint,
  historyText,
  MAX_HISTORY_BYTES,
  pointsIn,
  readHistory,
  thinned,
} from '../../fleet/history.ts';
import { parquetFile } from '../../fleet/parquet.ts';
import { openQuery, type QueryFrame } from '../../fleet/query.ts';
import type { CopiedPlace } from '../../fleet/store.ts';
import type { InstanceOptions } from '../../hosts/instances.ts';
import { withTree } from '../../open-tree.ts';
import { getObject } from '../../repository/get-object.ts';
import type { FleetSnapshotAnswer } from './fleet-answers.ts';
import { copiedPlace, storeDirectory, storeFile, withStore } from './open-store.ts';
import { reportWith } from './report.ts';

export interface SnapshotOptions extends CommonOptions, InstanceOptions {
  readonly noop?: boolean | undefined;
}

interface SnapshotFile {
  readonly name: string;
  readonly type: string;
  readonly content: string | Uint8Array;
}

const PARQUET = 'application/vnd.apache.parquet';

/**
 * `mm fleet snapshot`: puts the report and its tables into the bucket, where a team reads two
 * objects in place of one for each host. Throws STATE_MISSING, S3_*.
 */
export async function fleetSnapshot(context: Context, options: SnapshotOptions): Promise<Answer> {
  return await withTree(context, options, async ({ bucket }) =>
    withStore(context, options, async (opened) => {
      const { config, instances, syncedAt } = opened;
      const { tree } = config;
      const place = await copiedPlace(config, context);
      const own = readHistory(storeDirectory(config), place);
      const before = await historyIn(bucket, place);
      const history = thinned([...before, ...own], context.now());
      const { html, hosts } = await reportWith(opened, history);
      const copy = storeFile(config);
      const frame = { now: () => context.now(), instances };
      const files: readonly SnapshotFile[] = [
        { name: 'history.json', type: 'application/json', content: historyText(place, history) },
        { name: 'hosts.parquet', type: PARQUET, content: tableOf(copy, 'hosts', frame) },
        { name: 'facts.parquet', type: PARQUET, content: tableOf(copy, 'facts', frame) },
        // The last one: who sees it finds the others.
        { name: 'fleet.html', type: 'text/html; charset=utf-8', content: html },
      ];
      if (options.noop !== true) await put(bucket, tree, files);
      const document: FleetSnapshotAnswer = {
        ...{ schemaVersion: 1, bucket: bucket.name, tree },
        outcome: options.noop === true ? 'noop' : 'written',
        syncedAt: new Date(syncedAt).toISOString(),
        hosts,
        objects: files.map(({ name, content }) => ({
          ...{ key: snapshotKey(tree, name), bytes: Buffer.byteLength(content) },
        })),
      };
      return { document, lines: linesOf(document, bucket) };
    }),
  );
}

/** A view of the copy as Parquet, without the whole status of each host: it is 40 MB of JSON. */
function tableOf(copy: string, view: string, frame: QueryFrame): Uint8Array {
  const all = openQuery(copy, `SELECT * FROM ${view}`, frame);
  all.close();
  const columns = all.columns.filter((name) => name !== 'status');
  const query = openQuery(copy, `SELECT ${columns.join(', ')} FROM ${view}`, frame);
  try {
    return parquetFile({ columns, rows: () => query.rows() }).bytes;
  } finally {
    query.close();
  }
}

/** What earlier snapshots know, on this machine and on others. */
async function historyIn(bucket: Bucket, place: CopiedPlace): Promise<readonly HistoryPoint[]> {
  const key = snapshotKey(place.tree, 'history.json');
  try {
    const found = await getObject(bucket, key, { maxBytes: MAX_HISTORY_BYTES });
    return found.kind === 'object' ? pointsIn(found.bytes, place) : [];
  } catch (error) {
    if (error instanceof CodedError && error.code === 'S3_NOT_FOUND') return [];
    throw error;
  }
}

async function put(bucket: Bucket, tree: string, files: readonly SnapshotFile[]): Promise<void> {
  for (const { name, type, content } of files) {
    await bucket.put(snapshotKey(tree, name), Buffer.from(content), {
      contentType: type,
      cacheControl: 'private, no-cache',
    });
  }
}

function linesOf({ outcome, objects }: FleetSnapshotAnswer, bucket: Bucket): string[] {
  const verb = outcome === 'noop' ? 'would write' : 'wrote';
  const urls = objects.map(({ key, bytes }) => {
    return `${verb} s3://${bucket.name}/${key}, ${(bytes / 1e6).toFixed(2)} MB`;
  });
  const page = `s3://${bucket.name}/${objects.at(-1)?.key}`;
  return [...urls, `to see it: ${bucket.awsCommand(`s3 presign ${page}`)}`];
}
