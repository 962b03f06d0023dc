import { setTimeout as delay } from 'node:timers/promises';
import {
  DeleteBucketPolicyCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3';
import type { Store } from '../../../bucket/s3/rights/store.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import {
  type BucketPolicy,
  deny,
  denyWithoutTls,
  isTlsOnly,
  parsePolicy,
  type TlsCondition,
  wholeBucket,
  withoutStatements,
  withStatements,
} from './policy-statements.ts';
import { withScratch } from './scratch.ts';
import { type Found, ifSet, NotKept, type Setting } from './setting.ts';

const SID = 'MiyamotoTlsOnly';
const TRIAL_ALWAYS = 'MiyamotoTrialAlways';
const TRIAL_TLS = 'MiyamotoTrialTls';
/** A policy can need a moment until every server of the store applies it. */
const TRIES = 10;
const PAUSE_MS = 500;

/**
 * A statement that denies requests without TLS. Behind a proxy that ends TLS, a store can see only
 * plain HTTP: the statement would then lock everybody out, its author too. So it is first tried on
 * one test object, except on AWS.
 */
export function tlsOnly(tree: string, arn: string): Setting {
  return {
    name: 'TLS only',
    rights: { read: 's3:GetBucketPolicy', write: 's3:PutBucketPolicy' },
    without: 'forbid plain HTTP in the settings of the store or its proxy',
    wanted: `statement ${SID}`,
    inspect: async (store): Promise<Found> => {
      const { Statement } = await readPolicy(store);
      const there = Statement.find((statement) => isTlsOnly(statement, arn));
      if (there !== undefined) return { is: 'ok', found: `on (statement ${sidOf(there)})` };
      const own = Statement.some(({ Sid }) => Sid === SID);
      const found = own ? `off: statement ${SID} says something else` : 'off';
      if (store.isPlainHttp) {
        return {
          is: 'lacking',
          found: `${found}, and not set: s3.endpoint is plain HTTP, so that it would lock everybody out`,
          next: 'give the store a certificate, set s3.endpoint to https://, and run mm bucket init',
        };
      }
      const others = Statement.length - (own ? 1 : 0);
      const kept = others === 0 ? '' : `; statements that stay: ${others}`;
      const put = async () => await turnOn(store, tree, arn);
      return { is: 'open', found, wanted: `statement ${SID}${kept}`, put };
    },
  };
}

function sidOf({ Sid }: { readonly Sid?: unknown }): string {
  return typeof Sid === 'string' ? Sid : 'without Sid';
}

async function turnOn(store: Store, tree: string, arn: string): Promise<void> {
  const condition = store.isAws ? 'Bool' : await tryOut(store, tree, arn);
  const policy = await readPolicy(store);
  await writePolicy(
    store,
    withStatements(policy, [denyWithoutTls(wholeBucket(SID, arn), condition)]),
  );
}

/** Returns the condition that the store accepts. Throws NotKept when the statement would harm. */
async function tryOut(store: Store, tree: string, arn: string): Promise<TlsCondition> {
  return await withScratch(store, tree, async (always) => {
    return await withScratch(store, tree, async (guarded) => {
      await always.put('a policy denies it');
      await guarded.put('a policy denies it without TLS');
      try {
        const keys = { always: always.key, guarded: guarded.key };
        const condition = await writeTrial(store, arn, keys);
        if (!(await isRefused(store, always.key)))
          throw new NotKept('it does not enforce policies of buckets');
        if (await canRead(store, guarded.key)) return condition;
        throw new NotKept('it sees plain HTTP, because TLS ends before it at a proxy');
      } finally {
        await writePolicy(
          store,
          withoutStatements(await readPolicy(store), [TRIAL_ALWAYS, TRIAL_TLS]),
        );
      }
    });
  });
}

async function writeTrial(
  store: Store,
  arn: string,
  keys: { readonly always: string; readonly guarded: string },
): Promise<TlsCondition> {
  const policy = await readPolicy(store);
  const write = async (condition: TlsCondition): Promise<TlsCondition> => {
    const on = (key: string) => ({ Action: 's3:GetObject', Resource: [`${arn}/${key}`] });
    const statements = [
      deny({ Sid: TRIAL_ALWAYS, ...on(keys.always) }),
      denyWithoutTls({ Sid: TRIAL_TLS, ...on(keys.guarded) }, condition),
    ];
    await writePolicy(store, withStatements(policy, statements));
    return condition;
  };
  try {
    // On Ceph 16 a request without TLS has no such key, and `Bool` denies nothing.
    return await write('BoolIfExists');
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'S3_FAILED') throw error;
    return await write('Bool');
  }
}

async function isRefused(store: Store, key: string): Promise<boolean> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    if (!(await canRead(store, key))) return true;
    if (tries < TRIES) await delay(PAUSE_MS);
  }
  return false;
}

async function canRead(store: Store, key: string): Promise<boolean> {
  try {
    const answer = await store.request('read', key, (client, options) =>
      client.send(new GetObjectCommand({ Bucket: store.bucket, Key: key }), options),
    );
    await answer.Body?.transformToByteArray();
    return true;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'S3_ACCESS_DENIED') return false;
    throw error;
  }
}

async function readPolicy(store: Store): Promise<BucketPolicy> {
  const answer = await ifSet(
    'NoSuchBucketPolicy',
    store.request('read', '?policy', (client, options) =>
      client.send(new GetBucketPolicyCommand({ Bucket: store.bucket }), options),
    ),
  );
  return parsePolicy(
    answer?.Policy,
    store.awsCommand(`s3api get-bucket-policy --bucket ${store.bucket}`),
  );
}

/** The store has answered a request for its policy before, so it knows what is removed here. */
async function writePolicy(store: Store, policy: BucketPolicy): Promise<void> {
  const { bucket: Bucket } = store;
  const Policy = JSON.stringify(policy);
  await store.request('write', '?policy', async (client, options) => {
    if (policy.Statement.length === 0)
      await client.send(new DeleteBucketPolicyCommand({ Bucket }), options);
    else await client.send(new PutBucketPolicyCommand({ Bucket, Policy }), options);
  });
}
