import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { Bucket } from '../../bucket/bucket.ts';
import { S3Settings } from '../../bucket/s3/settings.ts';
import type { ErrorCode } from '../../shared/coded-error.ts';
import { all, assertServerTime, rejectsWith, text } from '../support/s3/assert.ts';
import { type Contract, type OpenClient, S3_CLIENTS } from '../support/s3/clients.ts';
import { uploadsInParts } from './multipart-contract.ts';

/**
 * A running S3 server with a bucket and the profiles `owner` (of the bucket), `machine` and
 * `reader` (of the tree `ubuntu`), as `useProfiles` makes them; and `wrong-secret` (the owner's key
 * with another secret) and `unknown-key`.
 */
export interface ContractTarget {
  readonly endpoint: string;
  readonly bucket: string;
}

const RACERS = 20;
/** More than one page of a listing. */
const MANY = 1010;
const RELEASE_BYTES = 20 * 1024 * 1024;

/** What Miyamoto needs from S3 and from its own clients, on every server. */
export function s3Contract(server: string, target: () => ContractTarget): void {
  for (const [client, openClient] of Object.entries(S3_CLIENTS)) {
    clientContract(`${server}, ${client}`, openClient, target);
  }
}

function clientContract(name: string, openClient: OpenClient, target: () => ContractTarget): void {
  const contract: Contract = (claim, body) => {
    test(`${name}: ${claim}`, async () => {
      const opened: Bucket[] = [];
      try {
        await body((profile, bucket = target().bucket) => {
          const { endpoint } = target();
          const settings = S3Settings.parse({
            ...{ endpoint, region: 'us-east-1', profile },
            // The default is too short for 40 requests at once on a busy machine.
            request_timeout: '5m',
          });
          opened.push(openClient(bucket, settings));
          return opened.at(-1)!;
        });
      } finally {
        for (const bucket of opened) bucket.close();
      }
    });
  };
  reading(contract);
  writing(contract);
  uploadsInParts(contract);
  listing(contract);
  rights(contract);
}

interface Refused {
  readonly profile?: string;
  readonly bucket?: string;
  readonly want: ErrorCode;
}

function reading(contract: Contract): void {
  contract('an object is read as it was written, with ETag and server time', async (open) => {
    const owner = open('owner');
    const key = manifest();
    const bytes = randomBytes(3000);
    const { etag } = await owner.put(key, bytes);
    const got = await owner.get(key, { maxBytes: 3000 });
    assert.equal(got.kind, 'object');
    assert.deepEqual(got.bytes, bytes);
    assert.equal(got.etag, etag);
    assertServerTime(got.serverDate);
  });

  contract('an unchanged object is not sent again, the server time is', async (open) => {
    const key = manifest();
    const { etag } = await open('owner').put(key, Buffer.from('same'));
    const machine = open('machine');
    const got = await machine.get(key, { maxBytes: 10, ifNoneMatch: etag });
    assert.equal(got.kind, 'not-modified');
    assertServerTime(got.serverDate);
    await open('owner').put(key, Buffer.from('other'));
    const changed = await machine.get(key, { maxBytes: 10, ifNoneMatch: etag });
    assert.equal(changed.kind, 'object');
  });

  contract('an object of exactly the limit is read, one byte more is not', async (open) => {
    const owner = open('owner');
    const key = manifest();
    await owner.put(key, Buffer.alloc(1000));
    assert.equal((await owner.get(key, { maxBytes: 1000 })).kind, 'object');
    await rejectsWith('S3_TOO_LARGE', owner.get(key, { maxBytes: 999 }));
  });

  contract('an empty object is an object', async (open) => {
    const owner = open('owner');
    const key = manifest();
    await owner.put(key, Buffer.alloc(0));
    const got = await owner.get(key, { maxBytes: 0 });
    assert.equal(got.kind === 'object' && got.bytes.length, 0);
  });

  contract('a release of 20 MB comes as a stream', async (open) => {
    const key = manifest();
    const bytes = randomBytes(RELEASE_BYTES);
    await open('owner').put(key, bytes, { createOnly: true });
    const { body, length } = await open('machine').open(key);
    assert.equal(length, RELEASE_BYTES);
    const hash = createHash('sha256');
    for await (const chunk of body) hash.update(chunk as Buffer);
    assert.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
  });

  contract(
    'a missing key is reported as missing to users who may list, and as forbidden to a machine',
    async (open) => {
      const key = manifest();
      await rejectsWith('S3_NOT_FOUND', open('owner').get(key, { maxBytes: 1 }));
      await rejectsWith('S3_NOT_FOUND', open('owner').open(key));
      await rejectsWith('S3_ACCESS_DENIED', open('machine').get(key, { maxBytes: 1 }));
    },
  );
}

function writing(contract: Contract): void {
  contract('create-only writes once', async (open) => {
    const owner = open('owner');
    const key = manifest();
    await owner.put(key, Buffer.from('first'), { createOnly: true });
    await rejectsWith(
      'S3_PRECONDITION_FAILED',
      owner.put(key, Buffer.from('second'), { createOnly: true }),
    );
    assert.equal(await text(owner, key), 'first');
  });

  contract('If-Match writes over the object that was read, and no other', async (open) => {
    const owner = open('owner');
    const key = manifest();
    const first = await owner.put(key, Buffer.from('first'));
    await owner.put(key, Buffer.from('second'), { ifMatch: first.etag ?? '' });
    await rejectsWith(
      'S3_PRECONDITION_FAILED',
      owner.put(key, Buffer.from('third'), { ifMatch: first.etag ?? '' }),
    );
    assert.equal(await text(owner, key), 'second');
  });

  contract('If-Match does not create', async (open) => {
    const owner = open('owner');
    const key = manifest();
    await rejectsWith(
      'S3_PRECONDITION_FAILED',
      owner.put(key, Buffer.from('x'), { ifMatch: '"0123456789abcdef0123456789abcdef"' }),
    );
    await rejectsWith('S3_NOT_FOUND', owner.get(key, { maxBytes: 1 }));
  });

  contract('of twenty that create at once one wins, and its bytes are there', async (open) => {
    const owner = open('owner');
    const key = manifest();
    await race(owner, key, { createOnly: true });
  });

  contract(
    'of twenty writes over the same ETag one wins, and its bytes are stored',
    async (open) => {
      const owner = open('owner');
      const key = manifest();
      const { etag } = await owner.put(key, Buffer.from('before'));
      await race(owner, key, { ifMatch: etag ?? '' });
    },
  );
}

function listing(contract: Contract): void {
  contract('more than a page is listed whole and in order', async (open) => {
    const prefix = status();
    const machine = open('machine');
    // Punctuation that a locale-aware order would ignore.
    const keys = Array.from(
      { length: MANY },
      (_, n) => `${prefix}web${n % 2 === 0 ? '-' : ''}${n}`,
    );
    await inParallel(keys, 40, (key) => machine.put(key, Buffer.from(key)));
    const listed = await all(open('reader'), prefix);
    assert.deepEqual(
      listed.map(({ key }) => key),
      keys.toSorted(),
    );
    for (const { key, size, lastModified } of listed) {
      assert.equal(size, Buffer.byteLength(key));
      assertServerTime(lastModified);
    }
  });

  contract('odd keys are returned unchanged', async (open) => {
    const prefix = status();
    const machine = open('machine');
    const odd = ['a b', 'a+b', 'a%2Bb', 'ä€😀', '<&>"\'', 'a\u0001b', 'a//b', ' a ', 'a\r\nb'];
    const keys = odd.map((name) => prefix + name);
    for (const key of keys) await machine.put(key, Buffer.from('x'));
    const listed = await all(open('reader'), prefix);
    assert.deepEqual(new Set(listed.map(({ key }) => key)), new Set(keys));
  });

  contract('a prefix without objects is an empty list', async (open) => {
    assert.deepEqual(await all(open('reader'), status()), []);
  });
}

function rights(contract: Contract): void {
  const denied = {
    'write manifests': (machine) => machine.put(manifest(), Buffer.from('x')),
    'read another tree': (machine) => machine.get('osx/manifests/x', { maxBytes: 1 }),
    'write status of another tree': (machine) => machine.put('osx/status/x', Buffer.from('x')),
    'read status': (machine) => machine.get('ubuntu/status/hosts/x.json', { maxBytes: 1 }),
    'list status': (machine) => all(machine, 'ubuntu/status/'),
    'list manifests': (machine) => all(machine, 'ubuntu/manifests/'),
    'remove manifests': (machine) => machine.remove(manifest()),
    'remove its status': (machine) => machine.remove(`${status()}web1.json`),
  } satisfies Record<string, (machine: Bucket) => Promise<unknown>>;
  for (const [what, attempt] of Object.entries(denied)) {
    contract(`a machine may not ${what}`, async (open) => {
      await rejectsWith('S3_ACCESS_DENIED', attempt(open('machine')));
    });
  }

  contract('a machine may overwrite its status, a reader reads it', async (open) => {
    const key = `${status()}web1.json`;
    const machine = open('machine');
    await machine.put(key, Buffer.from('{"run":1}'), { contentType: 'application/json' });
    await machine.put(key, Buffer.from('{"run":2}'), { contentType: 'application/json' });
    assert.equal(await text(open('reader'), key), '{"run":2}');
  });

  const refused = {
    'a wrong secret': { profile: 'wrong-secret', want: 'S3_CREDENTIALS_REJECTED' },
    'an unknown access key': { profile: 'unknown-key', want: 'S3_CREDENTIALS_REJECTED' },
    'a profile that is not there': { profile: 'nobody', want: 'S3_CREDENTIALS_MISSING' },
    'a bucket that is not there': { bucket: 'no-such-bucket', want: 'S3_BUCKET_MISSING' },
  } satisfies Record<string, Refused>;
  for (const [what, row] of Object.entries(refused)) {
    const { profile = 'owner', bucket, want }: Refused = row;
    contract(`${what} is refused, for reading, writing and listing`, async (open) => {
      const opened = open(profile, bucket);
      await rejectsWith(want, opened.get(manifest(), { maxBytes: 1 }));
      await rejectsWith(want, opened.put(manifest(), Buffer.from('x')));
      await rejectsWith(want, all(opened, 'ubuntu/status/'));
    });
  }
}

async function race(
  owner: Bucket,
  key: string,
  condition: { readonly createOnly: true } | { readonly ifMatch: string },
): Promise<void> {
  const ends = await Promise.allSettled(
    Array.from({ length: RACERS }, (_, n) => owner.put(key, Buffer.from(`${n}`), condition)),
  );
  const winners = ends.flatMap(({ status }, n) => (status === 'fulfilled' ? [`${n}`] : []));
  assert.equal(winners.length, 1);
  for (const end of ends)
    if (end.status === 'rejected') assert.equal(end.reason.code, 'S3_PRECONDITION_FAILED');
  assert.equal(await text(owner, key), winners[0]);
}

async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

function manifest(): string {
  return `ubuntu/manifests/contract/${randomBytes(8).toString('hex')}`;
}

function status(): string {
  return `ubuntu/status/hosts/contract/${randomBytes(8).toString('hex')}/`;
}
