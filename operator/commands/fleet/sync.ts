import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { counted } from '../../../shared/counted.ts';
import { requireOwn } from '../../../shared/owned-path.ts';
import type { Answer, CommonOptions, Context } from '../../context.ts';
import { withLock } from '../../files/lock.ts';
import { addToHistory } from '../../fleet/history.ts';
import { FleetStore, withStoreErrors } from '../../fleet/store.ts';
import { syncFleet } from '../../fleet/sync.ts';
import { type InstanceOptions, readInstances } from '../../hosts/instances.ts';
import { withTree } from '../../open-tree.ts';
import { makeStateDirectory } from '../../repository/state-directory.ts';
import { PRICES } from '../cost/prices.ts';
import type { FleetSyncAnswer } from './fleet-answers.ts';
import { copiedPlace, storeDirectory, storeFile } from './open-store.ts';

/** `mm fleet sync`: copies the statuses that changed to this machine. */
export async function sync(
  context: Context,
  options: CommonOptions & InstanceOptions,
): Promise<Answer> {
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
        using store = FleetStore.open(file, place, {
          onNew: () => context.notice('there is no copy of this bucket yet: every status is read'),
          instances,
        });
        using progress = context.showProgress?.({ what: 'reading statuses', unit: 'host' });
        const counts = await syncFleet({ bucket, tree: config.tree }, store, {
          now: () => context.now(),
          onProgress: (done, total) => progress?.at(done, total),
        });
        addToHistory(storeDirectory(config), place, { store, now: context.now() });
        const { list, get } = counts.requests;
        const document: FleetSyncAnswer = {
          ...{ schemaVersion: 1, bucket: bucket.name, tree: config.tree },
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
  const { hosts, fetched, refused, unreadable, gone, requests, dollars, seconds, file } = answer;
  return [
    `${counted(hosts, 'host')}: ${fetched - refused} read, ${refused} refused, ${hosts - fetched} unchanged, ${gone} gone, ${unreadable} unreadable`,
    `${requests.list} LIST and ${requests.get} GET, about $${dollars.toFixed(4)}, in ${seconds.toFixed(1)} s`,
    file,
  ];
}
