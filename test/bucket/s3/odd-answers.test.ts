import assert from 'node:assert/strict';
import { S3Lab } from '../../support/s3/lab.ts';

const KEY = 'ubuntu/manifests/x';
const BODY = Buffer.alloc(100_000, 'x');
const lab = new S3Lab({ [KEY]: BODY });
const get = (bucket: ReturnType<S3Lab['open']>) => bucket.get(KEY, { maxBytes: BODY.length });

const MALFORMED = ['*', '"*"', 'W/"abc"', 'abc', '"a"b"', '""', '"a b"', `"${'a'.repeat(200)}"`];
for (const etag of MALFORMED) {
  lab.test(`row 10: the ETag ${etag.slice(0, 10)} of a store is not returned`, async () => {
    lab.server.faults.add({ kind: 'headers', headers: { etag } });
    const bucket = lab.open();
    const got = await get(bucket);
    assert.ok(got.kind === 'object');
    assert.equal(got.etag, undefined);
    const opened = await bucket.open(KEY);
    opened.body.destroy();
    assert.equal(opened.etag, undefined);
    assert.equal((await bucket.put('ubuntu/etag', Buffer.from('x'))).etag, undefined);
  });
}

lab.test('row 12: the first request after a clock was put right succeeds', async () => {
  const bucket = lab.open();
  lab.server.dateOffsetMs = 20 * 60_000;
  assert.equal((await get(bucket)).kind, 'object');
  for (const offset of [0, -20 * 60_000, 0]) {
    lab.server.dateOffsetMs = offset;
    lab.drainStatuses();
    assert.equal((await get(bucket)).kind, 'object');
    assert.deepEqual(lab.drainStatuses(), [403, 200]);
    const { etag } = await bucket.put('ubuntu/clock', Buffer.from('x'));
    assert.ok(etag);
  }
});

lab.test('row 9: a Date by which nothing can be signed does not outlive its answer', async () => {
  for (const date of ['Sat, 13 Sep 275760 00:00:00 GMT', '-271821-04-20T00:00:00Z']) {
    const bucket = lab.open({ max_attempts: 1 });
    lab.server.faults.add({ kind: 'headers', headers: { date }, times: 1 });
    assert.equal((await get(bucket)).kind, 'object');
    assert.equal((await get(bucket)).kind, 'object', date);
    assert.deepEqual(lab.drainStatuses(), [200, 200]);
  }
});
