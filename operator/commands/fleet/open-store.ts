import { join } from 'node:path';
import { endpointOf } from '../../../bucket/s3/effective-settings.ts';
import { requireOwn } from '../../../shared/owned-path.ts';
import type { TreeConfig } from '../../config.ts';
import type { CommonOptions, Context } from '../../context.ts';
import { type CopiedPlace, FleetStore, withStoreErrors } from '../../fleet/store.ts';
import { type InstanceOptions, type Instances, readInstances } from '../../hosts/instances.ts';
import { ageSeconds, shortAge } from '../../hosts/last-report.ts';
import { loadTree } from '../../open-tree.ts';

export interface OpenStore {
  readonly config: TreeConfig;
  readonly store: FleetStore;
  /** Of `--instances`. */
  readonly instances: Instances | undefined;
  /** In ms since 1970. */
  readonly syncedAt: number;
}

/** The directory of the store of a tree. */
export function storeDirectory({ stateDirectory }: Pick<TreeConfig, 'stateDirectory'>): string {
  return join(stateDirectory, 'fleet');
}

/** The SQLite file of a tree. */
export function storeFile(config: Pick<TreeConfig, 'stateDirectory'>): string {
  return join(storeDirectory(config), 'fleet.sqlite');
}

/** What the store of a tree must be a copy of. */
export async function copiedPlace(
  { bucket, s3, tree }: TreeConfig,
  { env }: Pick<Context, 'env'>,
): Promise<CopiedPlace> {
  return { endpoint: await endpointOf(s3, env), bucket, tree };
}

/**
 * Opens the store of the tree that the options name. Sends nothing to the bucket. Throws CONFIG_*,
 * USAGE, STATE_MISSING, FILE_UNSAFE.
 */
export async function withStore<T>(
  context: Context,
  options: CommonOptions & InstanceOptions,
  work: (opened: OpenStore) => Promise<T>,
): Promise<T> {
  const instances = readInstances(context, options);
  const config = await loadTree(context, options);
  const file = storeFile(config);
  requireOwn(file, 'the copy of the statuses');
  const place = await copiedPlace(config, context);
  return await withStoreErrors(file, async () => {
    using store = FleetStore.openSynced(file, place, instances);
    const { syncedAt = 0 } = store;
    const age = ageSeconds(syncedAt, context.now());
    // A person who has just made the copy knows that.
    if (age > 10)
      context.notice(`from the copy of ${shortAge(age)} ago; mm fleet sync brings it up to date`);
    return await work({ config, store, instances, syncedAt });
  });
}
