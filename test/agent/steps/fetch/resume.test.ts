import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type DownloadRequest, limitFor } from '../../../../agent/steps/fetch/download.ts';
import { fetchRelease } from '../../../../agent/steps/fetch/fetch.ts';
import { unverifiedPath } from '../../../../agent/steps/fetch/partial-download.ts';
import type { Bucket } from '../../../../bucket/bucket.ts';
import { blobKey } from '../../../../bucket/layout.ts';
import { CodedError } from '../../../../shared/coded-error.ts';
import { sha256Of } from '../../../support/memory-blobs.ts';
import { S3Lab } from '../../../support/s3/lab.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';

const bytes = randomBytes(300_000);
const release = { sha256: sha256Of(bytes), length: bytes.length };
const KEY = blobKey('ubuntu', release.sha256);
const TARBALL = `${release.sha256}.tar.gz`;
const lab = new S3Lab({ [KEY]: bytes });

function request(directory: string, bucket: Pick<Bucket, 'open' | 'name'>) {
  const { signal } = new AbortController();
  return { bucket, tree: 'ubuntu', release, directory, maxBytes: 1e6, signal };
}

lab.test('row 11: a tarball that breaks off in every poll arrives in the end', async () => {
  await using directory = await temporary();
  const bucket = lab.open({ max_attempts: 1 });
  lab.server.faults.add({ kind: 'cut-body', times: 7 });
  let polls = 0;
  for (; polls < 5; polls += 1) {
    try {
      await fetchRelease(request(directory.path, bucket));
      break;
    } catch (error) {
      assert.equal((error as CodedError).code, 'S3_UNREACHABLE');
      assert.equal((await names(directory.path)).length, 1);
    }
  }
  assert.equal(polls, 2);
  assert.deepEqual(await names(directory.path), [TARBALL]);
  assert.deepEqual(await readFile(join(directory.path, TARBALL)), bytes);
  const [first, ...later] = lab.drainStatuses();
  assert.equal(first, 200);
  assert.deepEqual(new Set(later), new Set([206]));
});

lab.test('row 11: one byte now and then ends at the time limit, and what came stays', async () => {
  await using directory = await temporary();
  // On a busy machine the first byte may come late.
  let message = '';
  for (let limitMs = 300; !/[1-9]\d* of 300000 bytes came within/.test(message); limitMs *= 2) {
    lab.server.faults.add({ kind: 'trickle-body', everyMs: 20, times: 1 });
    const slow = { ...request(directory.path, lab.open({ request_timeout: '10m' })), limitMs };
    const error = await fetchRelease(slow).catch((reason: unknown) => reason);
    assert.ok(error instanceof CodedError && error.code === 'S3_UNREACHABLE', String(error));
    ({ message } = error);
    lab.server.faults.clear();
  }
  assert.equal((await names(directory.path)).length, 1);
  await fetchRelease(request(directory.path, lab.open()));
  assert.deepEqual(await names(directory.path), [TARBALL]);
  assert.equal(lab.drainStatuses().at(-1), 206);
});

lab.test('row 11: an object that changed meanwhile is fetched whole', async () => {
  await using directory = await temporary();
  await writeFile(unverifiedPath(directory.path, release.sha256, '"older"'), 'old bytes');
  await fetchRelease(request(directory.path, lab.open()));
  assert.deepEqual(lab.drainStatuses(), [412, 200]);
  assert.deepEqual(await names(directory.path), [TARBALL]);
});

lab.test('row 11: bytes of an attacker that broke off are thrown away', async () => {
  await using directory = await temporary();
  const opened = await lab.open().open(KEY);
  opened.body.destroy();
  const path = unverifiedPath(directory.path, release.sha256, opened.etag);
  await writeFile(path, Buffer.alloc(1000, 'x'));
  lab.drainStatuses();
  await fetchRelease(request(directory.path, lab.open()));
  assert.deepEqual(lab.drainStatuses(), [206, 200]);
  assert.deepEqual(await readFile(join(directory.path, TARBALL)), bytes);
});

lab.test('row 11: as many bytes as the whole, or more, are not gone on with', async () => {
  await using directory = await temporary();
  const opened = await lab.open().open(KEY);
  opened.body.destroy();
  const path = unverifiedPath(directory.path, release.sha256, opened.etag);
  await writeFile(path, Buffer.alloc(bytes.length + 1));
  await fetchRelease(request(directory.path, lab.open()));
  assert.deepEqual(await names(directory.path), [TARBALL]);
});

test('row 11: the limit follows from the size, and never exceeds ten minutes', () => {
  assert.equal(limitFor(1), 60_001);
  assert.equal(limitFor(5_000_000), 160_000);
  assert.equal(limitFor(2 ** 40), 600_000);
});

test('row 11: a store that never answers ends at the time limit', {
  timeout: 300_000,
}, async (t) => {
  const directory = await temporaryDirectory(t);
  const open: DownloadRequest['bucket']['open'] = (_key, options) =>
    new Promise((_resolve, reject) => {
      options?.signal?.addEventListener('abort', () => reject(options.signal?.reason));
    });
  const slow = { ...request(directory, { name: 'fleet', open }), limitMs: 50 };
  await assert.rejects(fetchRelease(slow), { code: 'S3_UNREACHABLE' });
  assert.deepEqual(await names(directory), []);
});

async function temporary(): Promise<AsyncDisposable & { readonly path: string }> {
  const { mkdtemp, rm } = await import('node:fs/promises');
  const path = await mkdtemp('/tmp/mm-resume-');
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
