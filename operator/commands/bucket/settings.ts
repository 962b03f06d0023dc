import {
  DeleteBucketEncryptionCommand,
  GetBucketEncryptionCommand,
  GetBucketOwnershipControlsCommand,
  GetPublicAccessBlockCommand,
  type OwnershipControls,
  type PublicAccessBlockConfiguration,
  PutBucketEncryptionCommand,
  PutBucketOwnershipControlsCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import { answerText, type Store } from '../../../bucket/s3/rights/store.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { withScratch } from './scratch.ts';
import { type Found, ifSet, NotKept, type Setting } from './setting.ts';

/*
 * A store that does not know a setting answers about the bucket itself: Ceph 16 lists its objects,
 * and a DELETE removes the bucket when it is empty. So an answer without the expected document
 * counts as a refusal, and a setting is removed only after the store has shown it.
 */

const NOT_KNOWN = 'it does not know this request';

export const publicAccess: Setting = {
  name: 'public access block',
  rights: { read: 's3:GetBucketPublicAccessBlock', write: 's3:PutBucketPublicAccessBlock' },
  wanted: 'on',
  without: 'a policy or an ACL can make objects public: look at both now and then',
  inspect: async (store) => {
    const answer = await ifSet(
      'NoSuchPublicAccessBlockConfiguration',
      store.request('read', '?publicAccessBlock', (client, options) =>
        client.send(new GetPublicAccessBlockCommand({ Bucket: store.bucket }), options),
      ),
    );
    const now = { ...answer?.PublicAccessBlockConfiguration };
    const flags = wantedFlags(store);
    const missing = flags.filter((flag) => now[flag] !== true);
    if (missing.length === 0) return { is: 'ok', found: `on (${flags.join(', ')})` };
    const on = flags.filter((flag) => now[flag] === true);
    return {
      is: 'open',
      found: on.length === 0 ? 'off' : `only ${on.join(', ')}`,
      wanted: flags.join(', '),
      put: async () => {
        const all = Object.fromEntries([...flags, ...on].map((flag) => [flag, true]));
        const input = { Bucket: store.bucket, PublicAccessBlockConfiguration: { ...now, ...all } };
        await store.request('write', '?publicAccessBlock', (client, options) =>
          client.send(new PutPublicAccessBlockCommand(input), options),
        );
      },
    };
  },
};

/**
 * Ceph 16 refuses every upload to a bucket with BlockPublicAcls. IgnorePublicAcls alone also keeps
 * objects private.
 */
function wantedFlags({ isAws }: Store): readonly (keyof PublicAccessBlockConfiguration)[] {
  const everywhere = ['IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'] as const;
  return isAws ? ['BlockPublicAcls', ...everywhere] : everywhere;
}

const OWNER_ENFORCED = 'BucketOwnerEnforced';

export const ownership: Setting = {
  name: 'ownership',
  rights: { read: 's3:GetBucketOwnershipControls', write: 's3:PutBucketOwnershipControls' },
  wanted: OWNER_ENFORCED,
  without: 'the writer of an object owns it and can publish it: keep the Deny of mm policy machine',
  inspect: async (store) => {
    const answer = await ifSet(
      'OwnershipControlsNotFoundError',
      store.request('read', '?ownershipControls', (client, options) =>
        client.send(new GetBucketOwnershipControlsCommand({ Bucket: store.bucket }), options),
      ),
    );
    if (answer !== undefined && answer.OwnershipControls?.Rules === undefined)
      throw new NotKept(NOT_KNOWN);
    const now = answer?.OwnershipControls?.Rules?.[0]?.ObjectOwnership ?? 'not set';
    if (now === OWNER_ENFORCED) return { is: 'ok', found: now };
    const controls: OwnershipControls = { Rules: [{ ObjectOwnership: OWNER_ENFORCED }] };
    const input = { Bucket: store.bucket, OwnershipControls: controls };
    return {
      is: 'open',
      found: now,
      wanted: `${OWNER_ENFORCED}, no ACLs`,
      put: async () => {
        await store.request('write', '?ownershipControls', (client, options) =>
          client.send(new PutBucketOwnershipControlsCommand(input), options),
        );
      },
    };
  },
};

/** Any encryption counts: the administrator of the bucket may have chosen a KMS key. */
export function encryption(tree: string): Setting {
  return {
    name: 'encryption',
    rights: { read: 's3:GetEncryptionConfiguration', write: 's3:PutEncryptionConfiguration' },
    wanted: 'AES256',
    without: 'objects are encrypted only when the store does so by itself: ask its administrator',
    inspect: (store) => inspectEncryption(store, tree),
  };
}

async function inspectEncryption(store: Store, tree: string): Promise<Found> {
  const algorithm = await algorithmNow(store);
  if (algorithm !== undefined) return { is: 'ok', found: algorithm };
  const rule = { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' as const } };
  const input = {
    Bucket: store.bucket,
    ServerSideEncryptionConfiguration: { Rules: [rule] },
  };
  return {
    is: 'open',
    found: 'not set',
    wanted: 'AES256',
    put: async () => {
      await store.request('write', '?encryption', (client, options) =>
        client.send(new PutBucketEncryptionCommand(input), options),
      );
      if (!store.isAws) await undoUnlessWritable(store, tree);
    },
  };
}

async function algorithmNow(store: Store): Promise<string | undefined> {
  const answer = await ifSet(
    'ServerSideEncryptionConfigurationNotFoundError',
    store.request('read', '?encryption', (client, options) =>
      client.send(new GetBucketEncryptionCommand({ Bucket: store.bucket }), options),
    ),
  );
  const rules = answer?.ServerSideEncryptionConfiguration?.Rules;
  if (answer !== undefined && rules === undefined) throw new NotKept(NOT_KNOWN);
  return rules?.[0]?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm;
}

/** A store without keys of its own accepts the setting, and then refuses every upload. */
async function undoUnlessWritable(store: Store, tree: string): Promise<void> {
  try {
    await withScratch(store, tree, ({ put }) => put('an upload with encryption'));
  } catch (error) {
    if (!(error instanceof CodedError) || (await algorithmNow(store)) === undefined) throw error;
    await store.request('write', '?encryption', (client, options) =>
      client.send(new DeleteBucketEncryptionCommand({ Bucket: store.bucket }), options),
    );
    throw new NotKept(`with it uploads end with ${answerText(error)}, so it is removed again`, {
      cause: error,
    });
  }
}
