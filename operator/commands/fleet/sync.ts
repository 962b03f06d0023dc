import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { counted } from '../../../shared/counted.ts';
import { requireOwn } from '../../../shared/owned-path.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { withLock } from '../../files/lock.ts';
import { addToHistory, mergeHistory } from '../../fleet/history.ts';
import { copySnapshot, openSnapshot } from '../../fleet/snapshot/copy-snapshot.ts';
import { pointsInBucket } from '../../fleet/snapshot/points-in-bucket.ts';
import { FleetStore, withStoreErrors } from '../../fleet/store.ts';
import { syncFleet } from '../../fleet/sync.ts';
import { type InstanceOptions, readInstances } from '../../hosts/instances.ts';
import { withTree } from '../../open-tree.ts';
import { makeStateDirectory } from '../../repository/state-directory.ts';
import { PRICES } from '../cost/prices.ts';
import type { FleetSyncAnswer } from './fleet-answers.ts';
import { copiedPlace, storeDirectory, storeFile } from './open-store.ts';

export interface SyncOptions extends CommonOptions, InstanceOptions {
  /** Copies the last snapshot of the bucket, not the statuses themselves. */
  readonly snapshot?: boolean | undefined;
}

/** `mm fleet sync`: copies the statuses that changed to this machine. */
export async function sync(context: Context, options: SyncOptions): Promise<Answer> {
  const instances = readInstances(context, options);
  return await withTree(context, options, async ({ config, bucket }) => {
    requireOwn(config.stateDirectory, 'the kept state');
    await makeStateDirectory(dirname(config.stateDirectory));
    const file = storeFile(config);
    const place = await copiedPlace(config, context);
    await makePrivate(storeDirectory(config));
    return await withLock(storeDirectory(config), () =>
      withStoreErrors(file, async () => {
        const startedAt = context.now();
        const from = { bucket, tree: config.tree };
        const snapshot = options.snapshot === true ? await openSnapshot(from, place) : undefined;
        const onNew = (): void => {
          if (snapshot === undefined)
            context.notice('there is no copy of this bucket yet: every status is read');
        };
        using store = FleetStore.open(file, place, { onNew, instances });
        using progress = context.showProgress?.({ what: 'reading statuses', unit: 'host' });
        const onProgress = (done: number, total: number) => progress?.at(done, total);
        const now = (): number => context.now();
        const counts =
          snapshot === undefined
            ? await syncFleet(from, store, { now, onProgress })
            : await copySnapshot(store, snapshot, { tree: config.tree, now: now(), onProgress });
        const directory = storeDirectory(config);
        if (snapshot === undefined) addToHistory(directory, place, { store, now: now() });
        else {
          const points = await pointsInBucket(from, place);
          mergeHistory(directory, place, { points, now: now() });
        }
        const { list, get } = counts.requests;
        const document: FleetSyncAnswer = {
          ...{ schemaVersion: 1, bucket: bucket.name, tree: config.tree },
          source: snapshot === undefined ? 'bucket' : 'snapshot',
          syncedAt: new Date(store.syncedAt ?? 0).toISOString(),
          ...counts,
          requests: { list, get },
          dollars: (list * PRICES.dollars.list + get * PRICES.dollars.get) / 1000,
          seconds: (context.now() - startedAt) / 1000,
          file,
        };
        return { document, lines: linesOf(document) };
      }),
    );
  });
}

/** Facts and errors of runs are for this user alone, also in a directory of an earlier mm. */
async function makePrivate(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await chmod(directory, 0o700);
}

function linesOf(answer: FleetSyncAnswer): string[] {
  const { hosts, fetched, refused, unreadable, gone } = answer;
  const { source, syncedAt, requests, dollars, seconds, file } = answer;
  return [
    `${counted(hosts, 'host')}: ${fetched - refused} read, ${refused} refused, ${hosts - fetched} unchanged, ${gone} gone, ${unreadable} unreadable`,
    `${requests.list} LIST and ${requests.get} GET, about $${dollars.toFixed(4)}, in ${seconds.toFixed(1)} s`,
    ...(source === 'snapshot' ? [`the copy is as new as at ${syncedAt}`] : []),
    file,
  ];
}
