import type { Bucket } from '../../../bucket/bucket.ts';
import { snapshotDayKey, snapshotKey } from '../../../bucket/layout.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { historyText, readHistory, thinned } from '../../fleet/history.ts';
import { parquetFile } from '../../fleet/parquet.ts';
import { openQuery, type QueryFrame } from '../../fleet/query.ts';
import { FACT_TYPES, HOST_TYPES } from '../../fleet/snapshot/host-types.ts';
import { packStatuses, STATUSES } from '../../fleet/snapshot/pack-statuses.ts';
import { pointsInBucket } from '../../fleet/snapshot/points-in-bucket.ts';
import type { InstanceOptions } from '../../hosts/instances.ts';
import { withTree } from '../../open-tree.ts';
import type { FleetSnapshotAnswer } from './fleet-answers.ts';
import { copiedPlace, storeDirectory, storeFile, withStore } from './open-store.ts';
import { reportWith } from './report.ts';

export interface SnapshotOptions extends CommonOptions, InstanceOptions {
  readonly noop?: boolean | undefined;
}

interface SnapshotFile {
  readonly key: string;
  readonly type: string;
  readonly content: string | Uint8Array;
}

const JSON_TYPE = 'application/json';
const PARQUET = 'application/vnd.apache.parquet';

/**
 * `mm fleet snapshot`: puts the copy, the report and its tables into the bucket, where a team reads
 * two objects in place of one for each host. Throws STATE_MISSING, S3_*.
 */
export async function fleetSnapshot(context: Context, options: SnapshotOptions): Promise<Answer> {
  return await withTree(context, options, async ({ bucket }) =>
    withStore(context, options, async (opened) => {
      const { config, instances, syncedAt } = opened;
      const { tree } = config;
      const place = await copiedPlace(config, context);
      const own = readHistory(storeDirectory(config), place);
      const before = await pointsInBucket({ bucket, tree }, place);
      const history = thinned([...before, ...own], context.now());
      const { html, hosts } = await reportWith(opened, history);
      const copy = storeFile(config);
      const frame = { now: () => context.now(), instances };
      const latest = (name: string): string => snapshotKey(tree, name);
      const day = new Date(syncedAt).toISOString().slice(0, 10);
      const table = tableOf(copy, 'hosts', frame);
      const statuses = await packStatuses(opened.store, place, syncedAt);
      const files: readonly SnapshotFile[] = [
        { key: latest('history.json'), type: JSON_TYPE, content: historyText(place, history) },
        { key: latest(STATUSES), type: 'application/gzip', content: statuses },
        { key: snapshotDayKey(tree, day), type: PARQUET, content: table },
        { key: latest('hosts.parquet'), type: PARQUET, content: table },
        { key: latest('facts.parquet'), type: PARQUET, content: tableOf(copy, 'facts', frame) },
        // The last one: who sees it finds the others.
        { key: latest('fleet.html'), type: 'text/html; charset=utf-8', content: html },
      ];
      if (options.noop !== true) await put(bucket, files);
      const document: FleetSnapshotAnswer = {
        ...{ schemaVersion: 1, bucket: bucket.name, tree },
        outcome: options.noop === true ? 'noop' : 'written',
        syncedAt: new Date(syncedAt).toISOString(),
        hosts,
        objects: files.map(({ key, content }) => ({ key, bytes: Buffer.byteLength(content) })),
      };
      return { document, lines: linesOf(document, bucket) };
    }),
  );
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

async function put(bucket: Bucket, files: readonly SnapshotFile[]): Promise<void> {
  for (const { key, type, content } of files) {
    await bucket.put(key, Buffer.from(content), {
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
