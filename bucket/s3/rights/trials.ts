import { createHash } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { answerText, isRefusal, removeVersion, type Store } from './store.ts';

/*
 * Tries what credentials may do. No trial changes anything, also where it is allowed. Each throws
 * S3_* for what concerns every request, for example S3_CREDENTIALS_REJECTED.
 */

export interface Tried {
  /** `unclear`: refused, but perhaps only because no object has this key. */
  readonly found: 'allowed' | 'refused' | 'unclear';
  /** What the store answered, in a few words. */
  readonly answer: string;
  /** What could not be removed; undefined in a store that keeps the conditions of requests. */
  readonly left?: string | undefined;
}

/**
 * Reads one byte. S3 hides from callers who may not list whether an object exists: a refusal proves
 * something only when `isThere`.
 */
export async function tryRead(store: Store, key: string, isThere: boolean): Promise<Tried> {
  return await trial(
    async () => {
      const input = { Bucket: store.bucket, Key: key, Range: 'bytes=0-0' };
      await store.request('read', key, async (client, options) => {
        const { Body } = await client.send(new GetObjectCommand(input), options);
        await Body?.transformToByteArray();
      });
      return { found: 'allowed', answer: 'read' };
    },
    // An empty object has no first byte.
    { allowed: /^(404|416)\b/, refused: isThere ? 'refused' : 'unclear' },
  );
}

export interface Listed extends Tried {
  /** A key below the prefix. */
  readonly key?: string | undefined;
}

/** Lists one object. */
export async function tryList(store: Store, prefix: string): Promise<Listed> {
  return await trial<Listed>(
    async () => {
      const input = { Bucket: store.bucket, Prefix: prefix, MaxKeys: 1 };
      const { Contents } = await store.request('list', prefix, (client, options) =>
        client.send(new ListObjectsV2Command(input), options),
      );
      return { found: 'allowed', answer: 'listed', key: Contents?.[0]?.Key };
    },
    { allowed: /^$/, refused: 'refused' },
  );
}

const CONTENT = Buffer.from('mm policy check\n');
const OTHER_MD5 = createHash('md5').update('other content').digest('base64');

/**
 * Begins an upload that must fail. The store judges the right first; then the digest is wrong, and
 * an object that exists violates `If-None-Match: *`. `If-Match` would also need the right to read.
 */
export async function tryWrite(store: Store, key: string): Promise<Tried> {
  return await trial(
    async () => {
      const input = {
        ...{ Bucket: store.bucket, Key: key, Body: CONTENT },
        ...{ IfNoneMatch: '*', ContentMD5: OTHER_MD5 },
      };
      const { VersionId } = await store.request('write', key, (client, options) =>
        client.send(new PutObjectCommand(input), options),
      );
      const answer = 'written: the store ignores Content-MD5 and If-None-Match';
      const left = await removeVersion(store, key, VersionId);
      return { found: 'allowed', answer, left: left ? undefined : `the object ${key}` };
    },
    { allowed: /^(409|412)\b|(Bad|Invalid)Digest$/, refused: 'refused' },
  );
}

/**
 * Removes an object that does not exist, on the condition that it exists. A store that ignores the
 * condition makes a delete marker in a bucket with versions, which is then removed by its version.
 */
export async function tryRemove(store: Store, unusedKey: string): Promise<Tried> {
  const conditional = await tryDelete(store, unusedKey, '*');
  // A store can refuse the condition alone: only a refusal without it proves that the right is
  // missing.
  return conditional.found === 'allowed' ? conditional : await tryDelete(store, unusedKey);
}

async function tryDelete(store: Store, key: string, IfMatch?: string): Promise<Tried> {
  return await trial(
    async () => {
      const input = { Bucket: store.bucket, Key: key, IfMatch };
      const { VersionId } = await store.request('remove', key, (client, options) =>
        client.send(new DeleteObjectCommand(input), options),
      );
      const answer = 'removed, and nothing was there';
      if (VersionId === undefined || (await removeVersion(store, key, VersionId)))
        return { found: 'allowed', answer };
      return { found: 'allowed', answer, left: `a delete marker ${key}, version ${VersionId}` };
    },
    { allowed: /^(404|412)\b/, refused: 'refused' },
  );
}

interface Meaning {
  /** Answers that come only after the store has allowed the request. */
  readonly allowed: RegExp;
  /** What a 403 means. */
  readonly refused: Tried['found'];
}

async function trial<T extends Tried>(
  work: () => Promise<T>,
  { allowed, refused }: Meaning,
): Promise<T | Tried> {
  try {
    return await work();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const answer = answerText(error);
    if (error.code === 'S3_ACCESS_DENIED') return { found: refused, answer };
    return { found: allowed.test(answer) ? 'allowed' : 'unclear', answer };
  }
}
