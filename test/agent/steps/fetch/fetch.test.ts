import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { type FetchOptions, fetchRelease } from '../../../../agent/steps/fetch/fetch.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import {
  type Blob,
  type MemoryBlobs,
  memoryBlobs,
  sha256Of,
} from '../../../support/memory-blobs.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';

const bytes = Buffer.from('the bytes of a tarball'.repeat(10_000));
const release = { sha256: sha256Of(bytes), length: bytes.length };
const verified = `${release.sha256}.tar.gz`;

function options(directory: string, bucket: MemoryBlobs): FetchOptions {
  const { signal } = new AbortController();
  return { bucket, tree: 'ubuntu', release, directory, maxBytes: 1e6, signal };
}

/** A body that ends, or breaks, after that many correct bytes. */
function partOfIt(length: number, error?: Error): Readable {
  return Readable.from(
    (async function* () {
      yield bytes.subarray(0, length);
      if (error !== undefined) throw error;
    })(),
  );
}

test('fetch: the verified tarball is stored under its digest, and nothing else', async (t) => {
  const directory = join(await temporaryDirectory(t), 'blobs');
  const bucket = memoryBlobs(bytes);
  const tarball = await fetchRelease(options(directory, bucket));
  assert.deepEqual(bucket.opened, [`ubuntu/manifests/blobs/${verified}`]);
  assert.deepEqual(await names(directory), [verified]);
  assert.equal(tarball.path, join(directory, verified));
  assert.deepEqual(await readFile(tarball.path), bytes);
  assert.equal((await stat(tarball.path)).mode & 0o777, 0o600);
});

const bad = {
  'other bytes of the same length': {
    blob: Buffer.alloc(bytes.length, 'x'),
    code: 'BLOB_MISMATCH',
    attempts: 1,
  },
  'one bit is another': {
    blob: Buffer.concat([bytes.subarray(0, -1), Buffer.from('!')]),
    code: 'BLOB_MISMATCH',
    attempts: 1,
  },
  'said to be shorter': { blob: bytes.subarray(1), code: 'BLOB_MISMATCH', attempts: 1 },
  'said to be longer': {
    blob: Buffer.concat([bytes, bytes]),
    code: 'BLOB_MISMATCH',
    attempts: 1,
  },
  'endless, of unsaid length': {
    blob: () => ({
      body: Readable.from(
        (function* () {
          for (;;) yield bytes;
        })(),
      ),
    }),
    code: 'BLOB_MISMATCH',
    attempts: 1,
  },
  'longer than it says, attack 02': {
    blob: () => ({ body: Readable.from([bytes, Buffer.from('!')]), length: bytes.length }),
    code: 'BLOB_MISMATCH',
    attempts: 1,
  },
  'ends early each time': {
    blob: () => ({ body: partOfIt(1000), length: bytes.length }),
    code: 'S3_UNREACHABLE',
    attempts: 3,
  },
  'the connection breaks each time': {
    blob: () => ({ body: partOfIt(1000, new Error('ECONNRESET')) }),
    code: 'S3_UNREACHABLE',
    attempts: 3,
  },
  'the S3 client gives up each time, with its own code': {
    blob: () => ({ body: partOfIt(0, new CodedError('slow', { code: 'S3_SLOW_DOWN' })) }),
    code: 'S3_SLOW_DOWN',
    attempts: 3,
  },
} satisfies Record<string, { blob: Blob; code: string; attempts: number }>;

for (const [name, { blob, code, attempts }] of Object.entries(bad)) {
  test(`fetch: ${name}: ${code}, and nothing stays behind`, async (t) => {
    const directory = await temporaryDirectory(t);
    const bucket = memoryBlobs(blob);
    await assert.rejects(fetchRelease(options(directory, bucket)), { code });
    assert.equal(bucket.opened.length, attempts);
    assert.deepEqual(await names(directory), []);
  });
}

test('fetch: a body that is cut off twice is complete the third time', async (t) => {
  const directory = await temporaryDirectory(t);
  const bucket = memoryBlobs((attempt) => ({
    body: attempt < 3 ? partOfIt(attempt * 1000, new Error('cut')) : Readable.from([bytes]),
  }));
  const tarball = await fetchRelease(options(directory, bucket));
  assert.deepEqual(await readFile(tarball.path), bytes);
  assert.equal(bucket.opened.length, 3);
  assert.deepEqual(await names(directory), [verified]);
});

test('fetch: a missing object is the error that the bucket gave', async (t) => {
  const directory = await temporaryDirectory(t);
  const bucket = memoryBlobs(() => {
    throw new CodedError('no such key', { code: 'S3_NOT_FOUND' });
  });
  await assert.rejects(fetchRelease(options(directory, bucket)), { code: 'S3_NOT_FOUND' });
  assert.deepEqual(await names(directory), []);
});

test('fetch: a tarball that is already there is verified, not fetched', async (t) => {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, verified), bytes);
  const bucket = memoryBlobs(bytes);
  await fetchRelease(options(directory, bucket));
  assert.deepEqual(bucket.opened, []);
});

const spoilt = {
  'other bytes': Buffer.alloc(bytes.length),
  'a part': bytes.subarray(0, 100),
  'more than it': Buffer.concat([bytes, Buffer.from('!')]),
  nothing: Buffer.alloc(0),
} satisfies Record<string, Buffer>;

for (const [name, content] of Object.entries(spoilt)) {
  test(`fetch: a cached file that holds ${name} is fetched again`, async (t) => {
    const directory = await temporaryDirectory(t);
    await writeFile(join(directory, verified), content);
    const bucket = memoryBlobs(bytes);
    const tarball = await fetchRelease(options(directory, bucket));
    assert.equal(bucket.opened.length, 1);
    assert.deepEqual(await readFile(tarball.path), bytes);
  });
}

test('fetch: the leftovers of a crash are not used', async (t) => {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, `${release.sha256}.unverified`), 'left over');
  const tarball = await fetchRelease(options(directory, memoryBlobs(bytes)));
  assert.deepEqual(await readFile(tarball.path), bytes);
  assert.deepEqual(await names(directory), [verified]);
});

test('fetch: a release above the limit is not requested', async (t) => {
  const directory = await temporaryDirectory(t);
  const bucket = memoryBlobs(bytes);
  const tooLarge = { ...options(directory, bucket), maxBytes: bytes.length - 1 };
  await assert.rejects(fetchRelease(tooLarge), { code: 'ARCHIVE_TOO_LARGE' });
  assert.deepEqual(bucket.opened, []);
});

test('fetch: without enough free space nothing is requested', async (t) => {
  const directory = await temporaryDirectory(t);
  const bucket = memoryBlobs(bytes);
  const huge = {
    ...options(directory, bucket),
    release: { ...release, length: 2 ** 50 },
    maxBytes: 2 ** 51,
  };
  await assert.rejects(fetchRelease(huge), { code: 'DISK_FULL' });
  assert.deepEqual(bucket.opened, []);
  assert.deepEqual(await names(directory), []);
});

test('fetch: a stop in the middle ends it with the reason and leaves nothing behind', async (t) => {
  const directory = await temporaryDirectory(t);
  const stop = new AbortController();
  const bucket = memoryBlobs(() => ({
    body: Readable.from(
      (async function* () {
        yield bytes.subarray(0, 1000);
        stop.abort(new Error('told to stop'));
        yield bytes.subarray(1000);
      })(),
    ),
  }));
  const stopped = { ...options(directory, bucket), signal: stop.signal };
  await assert.rejects(fetchRelease(stopped), /told to stop/);
  assert.equal(bucket.opened.length, 1);
  assert.deepEqual(await names(directory), []);
});
