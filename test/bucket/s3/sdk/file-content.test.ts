import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileContent } from '../../../../bucket/file-content.ts';
import { openBucket } from '../../../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../../../bucket/s3/settings.ts';
import { BUCKET, startServer, TREE } from '../../../operator/operator-lab.ts';
import { noise } from '../../../support/release-example.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const KEY = `${TREE}/manifests/blobs/file`;
const bytes = noise(3_000_000, 'file');
const sha256 = createHash('sha256').update(bytes).digest('hex');

async function opened(t: TestContext, settings: object = {}) {
  const server = await startServer(t);
  const path = join(await temporaryDirectory(t), 'file');
  await writeFile(path, bytes);
  const all = { endpoint: server.endpoint, region: server.region, ...settings };
  const bucket = await openBucket(BUCKET, S3Settings.parse(all));
  t.after(() => bucket.close());
  return { server, bucket, file: { path, length: bytes.length, sha256 } };
}

for (const checksums of ['when-supported', 'when-required'] as const) {
  test(`a file is uploaded from the disk, signed with its sha256: checksums ${checksums}`, async (t) => {
    const { server, bucket, file } = await opened(t, { checksums });
    await bucket.put(KEY, new FileContent(file), { createOnly: true });
    assert.ok(server.get(BUCKET, KEY)?.equals(bytes));
  });
}

test('a file is read again for each attempt', async (t) => {
  const { server, bucket, file } = await opened(t);
  server.faults.add({ kind: 'status', times: 1 });
  server.faults.add({ kind: 'reset', times: 1 });
  await bucket.put(KEY, new FileContent(file));
  assert.ok(server.get(BUCKET, KEY)?.equals(bytes));
});

test('a file that changed since its sha256 was taken is refused', async (t) => {
  const { server, bucket, file } = await opened(t, { max_attempts: 1 });
  await writeFile(file.path, noise(bytes.length, 'other'));
  await assert.rejects(bucket.put(KEY, new FileContent(file)), { name: 'CodedError' });
  assert.equal(server.get(BUCKET, KEY), undefined);
});

test('a file that is not there is an error with its path', async (t) => {
  const { bucket, file } = await opened(t, { max_attempts: 1 });
  const gone = new FileContent({ ...file, path: '/nowhere/file' });
  await assert.rejects(bucket.put(KEY, gone), /nowhere/);
});
