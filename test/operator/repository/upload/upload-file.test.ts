import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileContent } from '../../../../bucket/file-content.ts';
import { openBucket } from '../../../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../../../bucket/s3/settings.ts';
import { type FileUpload, uploadFile } from '../../../../operator/repository/upload/upload-file.ts';
import { UploadRecords } from '../../../../operator/repository/upload/upload-records.ts';
import { noise } from '../../../support/release-example.ts';
import { rejectsWith } from '../../../support/s3/assert.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { BUCKET, startServer, TREE } from '../../operator-lab.ts';

const KEY = `${TREE}/binaries/file.deb`;
const MIB = 1024 ** 2;
const bytes = noise(13 * MIB, 'file');
const sha256 = createHash('sha256').update(bytes).digest('hex');
const DAY_MS = 86_400_000;
const NOW = Date.parse('2027-01-31T12:00:00Z');

/** A file of three parts, the last of 3 MiB. */
async function uploading(t: TestContext, settings: object = {}) {
  const server = await startServer(t);
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'file');
  await writeFile(path, bytes);
  const all = { endpoint: server.endpoint, region: server.region, ...settings };
  const bucket = await openBucket(BUCKET, S3Settings.parse({ max_attempts: 1, ...all }));
  t.after(() => bucket.close());
  const records = new UploadRecords(join(directory, 'uploads'));
  const progress: number[] = [];
  const upload = (more: Partial<FileUpload> = {}) =>
    uploadFile(bucket, {
      ...{ key: KEY, file: { path, length: bytes.length, sha256 }, records, now: NOW },
      ...{ largeBytes: 6 * MIB, partBytes: 5 * MIB },
      contentType: 'application/octet-stream',
      onProgress: (done) => progress.push(done),
      ...more,
    });
  const recorded = () => readdir(join(directory, 'uploads')).catch(() => []);
  const sent = () =>
    server.requests.splice(0).flatMap(({ method, query, status }) => {
      const [, number] = /partNumber=(\d+)/.exec(query) ?? [];
      return method === 'PUT' && number !== undefined ? [`${number} ${status}`] : [];
    });
  return { server, bucket, records, upload, recorded, sent, progress };
}

for (const checksums of ['when-supported', 'when-required'] as const) {
  test(`upload: a large file goes in parts, checksums ${checksums}`, async (t) => {
    const { server, upload, recorded, sent, progress } = await uploading(t, { checksums });
    await upload();
    assert.ok(server.get(BUCKET, KEY)?.equals(bytes));
    assert.deepEqual(sent(), ['1 200', '2 200', '3 200']);
    assert.deepEqual(await recorded(), []);
    assert.deepEqual(server.pendingUploads(BUCKET), []);
    assert.deepEqual(
      progress,
      progress.toSorted((a, b) => a - b),
    );
    assert.equal(progress.at(-1), bytes.length);
  });

  test(`upload: an interrupted one goes on with the parts that are there, checksums ${checksums}`, async (t) => {
    const { server, upload, recorded, sent } = await uploading(t, { checksums });
    const interrupted = upload({
      onProgress(done) {
        if (done > 5 * MIB) server.faults.add({ kind: 'reset', match: { method: 'PUT' } });
      },
    });
    await rejectsWith('S3_UNREACHABLE', interrupted);
    assert.deepEqual(await recorded(), [sha256]);
    assert.equal(server.get(BUCKET, KEY), undefined);
    server.faults.clear();
    sent();
    await upload();
    assert.ok(server.get(BUCKET, KEY)?.equals(bytes));
    assert.deepEqual(sent(), ['2 200', '3 200']);
    assert.deepEqual(await recorded(), []);
  });
}

test('upload: a part of other bytes, which somebody put there, is replaced', async (t) => {
  const { server, bucket, records, upload, sent } = await uploading(t);
  const begun = await bucket.multipart.create(KEY);
  records.add(bucket, begun, { sha256, now: NOW });
  const other = await openedFile(t, noise(5 * MIB, 'other'));
  await bucket.multipart.putPart(begun, 1, other);
  sent();
  await upload();
  assert.deepEqual(sent(), ['1 200', '2 200', '3 200']);
  assert.ok(server.get(BUCKET, KEY)?.equals(bytes));
});

test('upload: one that the store has dropped begins again', async (t) => {
  const { server, bucket, records, upload, sent } = await uploading(t);
  records.add(bucket, { key: KEY, uploadId: 'dropped' }, { sha256, now: NOW });
  await upload();
  assert.deepEqual(sent(), ['1 200', '2 200', '3 200']);
  assert.ok(server.get(BUCKET, KEY)?.equals(bytes));
});

test('upload: one that was begun for another key or bucket is not continued', async (t) => {
  const { bucket, records } = await uploading(t);
  records.add(bucket, { key: KEY, uploadId: 'a' }, { sha256, now: NOW });
  assert.equal(records.find(bucket, `${KEY}.other`, sha256), undefined);
  assert.equal(records.find({ ...bucket, name: 'other' }, KEY, sha256), undefined);
  assert.equal(records.find(bucket, KEY, sha256)?.uploadId, 'a');
});

test('upload: parts that nobody continued for a week are removed, and no others', async (t) => {
  const { server, bucket, records, recorded } = await uploading(t);
  const old = await bucket.multipart.create(`${KEY}.old`);
  const recent = await bucket.multipart.create(KEY);
  records.add(bucket, old, { sha256: 'a'.repeat(64), now: NOW - 8 * DAY_MS });
  records.add(bucket, recent, { sha256, now: NOW - 6 * DAY_MS });
  const denied = { kind: 'status', status: 403, code: 'AccessDenied', times: 1 } as const;
  server.faults.add(denied);
  await records.abortOld(bucket, NOW);
  assert.equal((await recorded()).length, 2, 'after a refusal it is tried again');
  await records.abortOld(bucket, NOW);
  assert.deepEqual(await recorded(), [sha256]);
  assert.deepEqual(server.pendingUploads(BUCKET), [[KEY, 0]]);
});

async function openedFile(t: TestContext, content: Buffer) {
  const path = join(await temporaryDirectory(t), 'other');
  await writeFile(path, content);
  const digest = createHash('sha256').update(content).digest('hex');
  return new FileContent({ path, length: content.length, sha256: digest });
}
