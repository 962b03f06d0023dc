import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bucket } from '../../bucket/bucket.ts';
import { openBucket } from '../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../bucket/s3/settings.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { all, rejectsWith, text } from '../support/s3/assert.ts';
import type { ContractTarget } from './contract.ts';
import { HOST, type PolicyUser } from './policy-users.ts';

/**
 * Objects of two trees. They exist, so that no read is refused only because nothing is there.
 */
const OBJECTS = [
  'ubuntu/manifests/metadata/policy.json',
  'ubuntu/manifests/blobs/policy.tar.gz',
  'ubuntu/binaries/policy.deb',
  `ubuntu/status/hosts/${HOST}.json`,
  `ubuntu/status/facts/${HOST}.json`,
  'ubuntu/status/hosts/web2.example.com.json',
  'ubuntu/status/fleet/v1/latest/fleet.html',
  'osx/manifests/metadata/policy.json',
  'osx/binaries/policy.pkg',
  'osx/status/hosts/mac1.json',
] as const;

const [METADATA, BLOB, BINARY, STATUS, FACTS, OTHER_STATUS, SNAPSHOT] = OBJECTS;
/** No host writes such a key. */
const STRAY = 'ubuntu/status/x.json';
const PREFIXES = ['ubuntu/manifests/', 'ubuntu/binaries/', 'ubuntu/status/', 'osx/', ''];

interface Rights {
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly list: readonly string[];
  readonly remove: readonly string[];
}

const OWN_STATUS: Rights = {
  read: [METADATA, BLOB, BINARY],
  write: [STATUS, FACTS],
  list: [],
  remove: [],
};

/** What each user may do. Everything else with these objects and prefixes is refused. */
const RIGHTS: Readonly<Record<PolicyUser, Rights>> = {
  machine: {
    read: [METADATA, BLOB, BINARY],
    write: [STATUS, FACTS, OTHER_STATUS],
    list: [],
    remove: [],
  },
  host: OWN_STATUS,
  certified: OWN_STATUS,
  publisher: {
    read: [METADATA, BLOB, BINARY],
    write: [METADATA, BLOB, BINARY],
    list: ['ubuntu/manifests/', 'ubuntu/binaries/'],
    remove: [],
  },
  reader: {
    read: [METADATA, BLOB, STATUS, FACTS, OTHER_STATUS, SNAPSHOT, STRAY],
    write: [],
    list: ['ubuntu/status/'],
    remove: [],
  },
  reporter: {
    read: [METADATA, BLOB, STATUS, FACTS, OTHER_STATUS, SNAPSHOT, STRAY],
    write: [SNAPSHOT],
    list: ['ubuntu/status/'],
    remove: [],
  },
  cleaner: { read: [], write: [], list: [], remove: [BLOB, BINARY, STATUS, FACTS, OTHER_STATUS] },
};

interface Action {
  /** Keys or prefixes that it is tried with. */
  readonly on: readonly string[];
  carryOut(bucket: Bucket, where: string): Promise<void>;
  /** What an object holds after it; undefined: the object is gone. Left out: as before. */
  readonly leaves?: { readonly content: string | undefined };
}

const KEYS = [...OBJECTS, STRAY, 'ubuntu/x', 'x'];

const ACTIONS: Readonly<Record<keyof Rights, Action>> = {
  read: {
    on: KEYS,
    carryOut: async (bucket, key) => assert.equal(await text(bucket, key), key),
  },
  write: {
    on: KEYS,
    carryOut: async (bucket, key) => void (await bucket.put(key, Buffer.from('other'))),
    leaves: { content: 'other' },
  },
  list: {
    on: PREFIXES,
    carryOut: async (bucket, prefix) => assert.ok((await all(bucket, prefix)).length > 0),
  },
  remove: {
    on: KEYS,
    carryOut: async (bucket, key) => await bucket.remove(key),
    leaves: { content: undefined },
  },
};

/**
 * The policies that `mm policy` prints, enforced by a server. `target` has the profiles `owner` and
 * one for each user of POLICY_COMMANDS.
 */
export function policyContract(server: string, target: () => ContractTarget): void {
  const open = async (profile: string): Promise<Bucket> => {
    const { endpoint, bucket } = target();
    const settings = { endpoint, region: 'us-east-1', profile, request_timeout: '5m' };
    return await openBucket(bucket, S3Settings.parse(settings));
  };

  for (const [user, rights] of Object.entries(RIGHTS)) {
    for (const [name, { on, carryOut, leaves }] of Object.entries(ACTIONS)) {
      const allowed: readonly string[] = rights[name as keyof Rights];
      test(`policy, ${server}: a ${user} may ${name} ${allowed.length} of ${on.length}, and no more`, async () => {
        const owner = await open('owner');
        const bucket = await open(user);
        try {
          for (const key of KEYS) await owner.put(key, Buffer.from(key));
          for (const where of on) {
            if (allowed.includes(where)) await carryOut(bucket, where);
            else await rejectsWith('S3_ACCESS_DENIED', carryOut(bucket, where));
          }
          for (const key of KEYS) {
            const isChanged = leaves !== undefined && allowed.includes(key);
            assert.equal(await contentOf(owner, key), isChanged ? leaves.content : key);
          }
        } finally {
          owner.close();
          bucket.close();
        }
      });
    }
  }

  test(`policy, ${server}: who has no credentials reads nothing`, async () => {
    const { endpoint, bucket } = target();
    for (const key of KEYS) {
      const answer = await fetch(`${endpoint}/${bucket}/${key}`);
      assert.equal(answer.status, 403, key);
    }
  });
}

/** Undefined for an object that is not there. */
async function contentOf(owner: Bucket, key: string): Promise<string | undefined> {
  try {
    return await text(owner, key);
  } catch (error) {
    if (error instanceof CodedError && error.code === 'S3_NOT_FOUND') return undefined;
    throw error;
  }
}
