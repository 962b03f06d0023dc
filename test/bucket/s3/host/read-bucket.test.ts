import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { Bucket } from '../../../../bucket/bucket.ts';
import { openReadBucket } from '../../../../bucket/s3/host/read-bucket.ts';
import { parseListPage } from '../../../../bucket/s3/light/list-page.ts';
import { openBucket } from '../../../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../../../bucket/s3/settings.ts';
import { all, rejectsWith, text } from '../../../support/s3/assert.ts';
import { adminPolicy } from '../../../support/s3/policy.ts';
import { useProfiles } from '../../../support/s3/profiles.ts';
import { type S3Server, startS3Server } from '../../../support/s3/server.ts';

const ADMIN = { accessKeyId: 'ADMIN', secretAccessKey: 'secret' };
/** Names that XML, URLs and signatures write differently. */
const ODD = ['a b', 'a+b', 'a%20b', 'a&b', 'a<b>"\'', 'a=b;c', 'ä/ö', '\u0001', '(!*)~', 'x.json'];

let server: S3Server;
let profiles: AsyncDisposable;
let reader: Bucket;
let sdk: Bucket;

before(async () => {
  profiles = await useProfiles({ default: ADMIN });
  server = await startS3Server({ users: [{ ...ADMIN, policy: adminPolicy }], buckets: ['fleet'] });
  const { endpoint, region } = server;
  const settings = S3Settings.parse({ endpoint, region, max_attempts: 2 });
  reader = await openReadBucket('fleet', settings, process.env);
  sdk = await openBucket('fleet', settings);
  for (const name of ODD) server.put('fleet', `odd/${name}`, name);
  for (let n = 0; n < 2100; n += 1) server.put('fleet', `many/${n}`, String(n));
});
afterEach(() => server.faults.clear());
after(async () => {
  reader.close();
  sdk.close();
  await server.close();
  await profiles[Symbol.asyncDispose]();
});

for (const prefix of ['odd/', 'odd/a+', 'odd/ä', 'many/', 'many/20', 'nothing/', '']) {
  test(`read bucket: lists ${JSON.stringify(prefix)} as the SDK does, page by page`, async () => {
    server.requests.length = 0;
    const listed = await all(reader, prefix);
    assert.ok(server.requests.every(({ headers }) => headers['user-agent'] === 'miyamoto'));
    assert.equal(server.requests.length, Math.max(1, Math.ceil(listed.length / 1000)));
    assert.deepEqual(listed, await all(sdk, prefix));
  });
}

test('read bucket: reads by the light client, and writes by the other one', async () => {
  await reader.put('new/a', Buffer.from('x'));
  server.requests.length = 0;
  assert.equal(await text(reader, 'new/a'), 'x');
  assert.equal(server.requests[0]?.headers['user-agent'], 'miyamoto');
  await reader.remove('new/a');
  await rejectsWith('S3_NOT_FOUND', text(reader, 'new/a'));
});

test('read bucket: a list that S3 refuses, that is slow at first or that is no list', async () => {
  server.faults.add({ kind: 'status', status: 403, code: 'AccessDenied' });
  await rejectsWith('S3_ACCESS_DENIED', all(reader, 'odd/'));
  server.faults.clear();
  server.faults.add({ kind: 'status', times: 1 });
  assert.equal((await all(reader, 'odd/')).length, ODD.length);
  server.faults.clear();
  server.faults.add({ kind: 'replace-body', replace: () => Buffer.from('<html>sign in</html>') });
  await rejectsWith('S3_FAILED', all(reader, 'odd/'));
});

test('read bucket: entities of XML, and a store that does not encode keys', () => {
  const entry = '<Key>a&amp;&#x62;&#99;&unknown;</Key><ETag>&quot;1f&quot;</ETag><Size>7</Size>';
  const page = parseListPage(
    `<ListBucketResult xmlns="x"><Contents>${entry}</Contents><Contents><Size>1</Size></Contents></ListBucketResult>`,
  );
  assert.deepEqual(page, {
    objects: [{ key: 'a&bc&unknown;', size: 7, etag: '"1f"', lastModified: 0 }],
    next: undefined,
  });
});
