import type { Bucket } from '../../../bucket/bucket.ts';
import { snapshotDayKey, snapshotKey } from '../../../bucket/layout.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { type HistoryPoint, historyText, readHistory, thinned } from '../../fleet/history.ts';
import { parquetFile } from '../../fleet/parquet.ts';
import { openQuery, type QueryFrame } from '../../fleet/query.ts';
import { FACT_TYPES, HOST_TYPES } from '../../fleet/snapshot/host-types.ts';
import { packStatuses, STATUSES } from '../../fleet/snapshot/pack-statuses.ts';
import { pointsInBucket } from '../../fleet/snapshot/points-in-bucket.ts';
import type { CopiedPlace } from '../../fleet/store.ts';
import type { InstanceOptions } from '../../hosts/instances.ts';
import { withTree } from '../../open-tree.ts';
import type { FleetSnapshotAnswer } from './fleet-answers.ts';
import { copiedPlace, type OpenStore, storeDirectory, storeFile, withStore } from './open-store.ts';
import { reportWith } from './report.ts';

export interface SnapshotOptions extends CommonOptions, InstanceOptions {
  readonly noop?: boolean | undefined;
}

interface SnapshotFile {
  readonly key: string;
  readonly type: string;
  readonly content: Uint8Array;
}

const PARQUET = 'application/vnd.apache.parquet';

/**
 * `mm fleet snapshot`: writes the copy, the report and its tables into the bucket, where a team
 * reads two objects instead of one object for each host. Throws STATE_MISSING, S3_*.
 */
export async function fleetSnapshot(context: Context, options: SnapshotOptions): Promise<Answer> {
  return await withTree(context, options, async ({ bucket }) =>
    withStore(context, options, async (opened) => {
      const place = await copiedPlace(opened.config, context);
      const from = { bucket, tree: opened.config.tree };
      const own = readHistory(storeDirectory(opened.config), place);
      const history = thinned([...(await pointsInBucket(from, place)), ...own], context.now());
      const objects: FleetSnapshotAnswer['objects'] = [];
      for await (const { key, type, content } of filesOf(context, opened, { place, history })) {
        const cacheControl = 'private, no-cache';
        if (options.noop !== true)
          await bucket.put(key, content, { contentType: type, cacheControl });
        objects.push({ key, bytes: content.byteLength });
      }
      const document: FleetSnapshotAnswer = {
        ...{ schemaVersion: 1, bucket: bucket.name, tree: from.tree },
        outcome: options.noop === true ? 'noop' : 'written',
        syncedAt: new Date(opened.syncedAt).toISOString(),
        hosts: opened.store.hosts,
        objects,
      };
      return { document, lines: linesOf(document, bucket) };
    }),
  );
}

/** One after the other: all of them at once would need 100 MB more for 100,000 hosts. */
async function* filesOf(
  context: Pick<Context, 'now'>,
  opened: OpenStore,
  { place, history }: { readonly place: CopiedPlace; readonly history: readonly HistoryPoint[] },
): AsyncGenerator<SnapshotFile> {
  const { config, store, instances, syncedAt } = opened;
  const latest = (name: string): string => snapshotKey(config.tree, name);
  const [copy, frame] = [storeFile(config), { now: () => context.now(), instances }];
  const points = Buffer.from(historyText(place, history));
  yield { key: latest('history.json'), type: 'application/json', content: points };
  // A variable would keep the bytes in memory until the end.
  yield {
    ...{ key: latest(STATUSES), type: 'application/gzip' },
    content: await packStatuses(store, place, syncedAt),
  };
  const hosts = tableOf(copy, 'hosts', frame);
  const day = new Date(syncedAt).toISOString().slice(0, 10);
  yield { key: snapshotDayKey(config.tree, day), type: PARQUET, content: hosts };
  yield { key: latest('hosts.parquet'), type: PARQUET, content: hosts };
  yield { key: latest('facts.parquet'), type: PARQUET, content: tableOf(copy, 'facts', frame) };
  // Must be the last one: readers that find it also find the others.
  const { html } = await reportWith(opened, history);
  const type = 'text/html; charset=utf-8';
  yield { key: latest('fleet.html'), type, content: Buffer.from(html) };
}

const TYPES = { hosts: HOST_TYPES, facts: FACT_TYPES } as const;

/** A view of the copy as Parquet. The whole status of each host is in the file of statuses. */
function tableOf(copy: string, view: keyof typeof TYPES, frame: QueryFrame): Uint8Array {
  const types = TYPES[view];
  const list = Object.keys(types).join(', ');
  const query = openQuery(copy, `SELECT ${list} FROM ${view}`, frame);
  try {
    return parquetFile({ columns: query.columns, types, rows: () => query.rows() }).bytes;
  } finally {
    query.close();
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
