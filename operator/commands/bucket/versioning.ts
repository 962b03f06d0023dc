import {
  type BucketVersioningStatus,
  GetBucketVersioningCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import type { Store } from '../../../bucket/s3/rights/store.ts';
import { brokenConditions } from './conditions.ts';
import { type Found, NotKept, type Setting } from './setting.ts';

export interface Probing {
  /** The tree for test objects. */
  readonly tree: string;
  /** False: write no test object. */
  readonly mayWrite: boolean;
}

/**
 * Old versions allow the repair of a damaged bucket. Ceph 16, however, does not keep the conditions
 * of writes in a bucket with versions. The conditions matter more, so versioning is then suspended.
 */
export function versioning({ tree, mayWrite }: Probing): Setting {
  /** Set when the store breaks conditions without versions, too. */
  let breaksAlways = false;

  const whileOn = async (store: Store): Promise<Found> => {
    const isTried = !store.isAws && mayWrite && !breaksAlways;
    const broken = isTried ? await brokenConditions(store, tree) : undefined;
    if (broken === undefined) return { is: 'ok', found: 'on' };
    return {
      is: 'open',
      found: `on, and conditional writes are broken: ${broken}`,
      wanted: 'suspended, if that helps',
      put: () => suspend(store, broken),
    };
  };

  const turnOn = async (store: Store): Promise<void> => {
    const before = store.isAws ? undefined : await brokenConditions(store, tree);
    breaksAlways = before !== undefined;
    await putStatus(store, 'Enabled');
    if (store.isAws || breaksAlways) return;
    const broken = await brokenConditions(store, tree).catch((error: unknown) => String(error));
    if (broken !== undefined) await suspend(store, broken);
  };

  /** Throws NotKept, with the reason, when that helps. */
  const suspend = async (store: Store, broken: string): Promise<void> => {
    await putStatus(store, 'Suspended');
    breaksAlways = (await brokenConditions(store, tree)) !== undefined;
    if (!breaksAlways) throw new NotKept(`with versions ${broken}, so it is suspended`);
    await putStatus(store, 'Enabled');
  };

  return {
    name: 'versioning',
    rights: { read: 's3:GetBucketVersioning', write: 's3:PutBucketVersioning' },
    wanted: 'on',
    without: 'objects that somebody overwrites or removes are lost: keep a copy of manifests/',
    inspect: async (store) => {
      const { Status: status } = await store.request('read', '?versioning', (client, options) =>
        client.send(new GetBucketVersioningCommand({ Bucket: store.bucket }), options),
      );
      if (status === 'Enabled') return await whileOn(store);
      if (status === 'Suspended' && !store.isAws) return SUSPENDED;
      const wanted = store.isAws ? 'on' : 'on, if conditional writes work with it';
      const found = status === undefined ? 'off' : 'suspended';
      return { is: 'open', found, wanted, put: () => turnOn(store) };
    },
  };
}

const SUSPENDED: Found = {
  is: 'lacking',
  found: 'suspended, by mm because conditional writes do not work with it, or by somebody else',
  next: 'after an update of the store, enable it and run mm bucket init again, which tries both',
};

async function putStatus(store: Store, Status: BucketVersioningStatus): Promise<void> {
  const input = { Bucket: store.bucket, VersioningConfiguration: { Status } };
  await store.request('write', '?versioning', (client, options) =>
    client.send(new PutBucketVersioningCommand(input), options),
  );
}
