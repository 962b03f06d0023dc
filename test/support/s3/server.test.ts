import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { createS3Client } from '../../../bucket/s3/sdk/client.ts';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import { adminPolicy, machinePolicy, publisherPolicy } from './policy.ts';
import { useProfiles } from './profiles.ts';
import { type S3Server, startS3Server } from './server.ts';

// The other tests rely on this server, so its refusals are tested too.

const admin = { accessKeyId: 'ADMIN', secretAccessKey: 'secret' };
const machine = { accessKeyId: 'MACHINE', secretAccessKey: 'machine-secret' };
const publisher = { accessKeyId: 'PUBLISHER', secretAccessKey: 'publisher-secret' };
const place = { bucket: 'fleet', tree: 'ubuntu' };
const put = { Bucket: 'fleet', Key: 'put' };

let server: S3Server;
let profiles: AsyncDisposable;
const clients: S3Client[] = [];

before(async () => {
  profiles = await useProfiles({ admin, machine, publisher });
  server = await startS3Server({
    users: [
      { ...admin, policy: adminPolicy },
      { ...machine, policy: machinePolicy(place) },
      { ...publisher, policy: publisherPolicy(place) },
    ],
    buckets: ['fleet'],
  });
  server.put('fleet', 'digits', '0123456789');
  server.put('fleet', 'osx/manifests/secret', 'x');
});

after(async () => {
  for (const client of clients) client.destroy();
  await server.close();
  await profiles[Symbol.asyncDispose]();
});

function as(profile: string): S3Client {
  const { endpoint, region } = server;
  const client = createS3Client(S3Settings.parse({ endpoint, region, profile, max_attempts: 1 }));
  clients.push(client);
  return client;
}

interface SignedRequest {
  body: unknown;
  path: string;
  readonly headers: Record<string, string>;
}

interface Tampered {
  readonly want: string;
  /** Changes the request after it was signed. */
  tamper(request: SignedRequest): void;
}

const tampered = {
  'another body': {
    want: 'XAmzContentSHA256Mismatch',
    tamper: (request) => {
      request.body = Buffer.from('evil');
    },
  },
  'another key': {
    want: 'SignatureDoesNotMatch',
    tamper: (request) => {
      request.path = '/fleet/other';
    },
  },
  'another value of a signed header': {
    want: 'SignatureDoesNotMatch',
    tamper: ({ headers }) => {
      headers['content-type'] = 'text/html';
    },
  },
  'one x-amz header more': {
    want: 'AccessDenied',
    tamper: ({ headers }) => {
      headers['x-amz-acl'] = 'public-read';
    },
  },
  'another date': {
    want: 'AccessDenied',
    tamper: ({ headers }) => {
      headers['x-amz-date'] = '20000101T000000Z';
    },
  },
  'no signature': {
    want: 'AccessDenied',
    tamper: ({ headers }) => {
      delete headers['authorization'];
    },
  },
} satisfies Record<string, Tampered>;

for (const [name, { want, tamper }] of Object.entries<Tampered>(tampered)) {
  test(`embedded S3 refuses a request with ${name}`, async () => {
    const command = new PutObjectCommand({ ...put, Body: Buffer.from('good') });
    command.middlewareStack.add(
      (next) => (args) => {
        tamper((args as { request: SignedRequest }).request);
        return next(args);
      },
      { step: 'deserialize', priority: 'low' },
    );
    await assert.rejects(as('admin').send(command), { name: want });
    assert.deepEqual(server.keys('fleet'), ['digits', 'osx/manifests/secret']);
  });
}

test('embedded S3 refuses a wrong checksum of each kind', async () => {
  const body = { ...put, Body: Buffer.from('good') };
  const wrong = [
    { ChecksumSHA256: 'A'.repeat(43).concat('=') },
    { ChecksumSHA1: 'A'.repeat(27).concat('=') },
    { ChecksumCRC32: 'AAAAAA==' },
    { ContentMD5: 'A'.repeat(22).concat('==') },
  ];
  for (const checksum of wrong) {
    const command = new PutObjectCommand({ ...body, ...checksum });
    await assert.rejects(as('admin').send(command), { name: 'BadDigest' });
  }
});

test('embedded S3: a copy needs the right to read its source', async () => {
  const copy = {
    Bucket: 'fleet',
    Key: 'ubuntu/status/loot',
    CopySource: 'fleet/osx/manifests/secret',
  };
  await assert.rejects(as('machine').send(new CopyObjectCommand(copy)), { name: 'AccessDenied' });
  await as('admin').send(new CopyObjectCommand(copy));
  assert.equal(server.get('fleet', copy.Key)?.toString(), 'x');
  await as('admin').send(new DeleteObjectCommand({ Bucket: 'fleet', Key: copy.Key }));
  assert.equal(server.get('fleet', copy.Key), undefined);
});

test('embedded S3: a publisher writes manifests and binaries, but no status and no other tree', async () => {
  const client = as('publisher');
  const write = (Key: string) =>
    client.send(new PutObjectCommand({ Bucket: 'fleet', Key, Body: Buffer.from('x') }));
  for (const key of ['ubuntu/manifests/p', 'ubuntu/binaries/p']) {
    await write(key);
    server.delete('fleet', key);
  }
  for (const key of ['ubuntu/status/p', 'osx/manifests/p'])
    await assert.rejects(write(key), { name: 'AccessDenied' });
  const remove = new DeleteObjectCommand({ Bucket: 'fleet', Key: 'ubuntu/manifests/p' });
  await assert.rejects(client.send(remove), { name: 'AccessDenied' });
});

test('embedded S3: ranges', async () => {
  const client = as('admin');
  const rows = { 'bytes=2-4': '234', 'bytes=7-': '789', 'bytes=-3': '789', 'bytes=8-99': '89' };
  for (const [Range, want] of Object.entries(rows)) {
    const get = new GetObjectCommand({ Bucket: 'fleet', Key: 'digits', Range });
    const { Body, $metadata } = await client.send(get);
    assert.equal(await Body?.transformToString(), want);
    assert.equal($metadata.httpStatusCode, 206);
  }
  const beyond = new GetObjectCommand({ Bucket: 'fleet', Key: 'digits', Range: 'bytes=10-' });
  await assert.rejects(client.send(beyond), { name: 'InvalidRange' });
});

test('embedded S3: HEAD has length and ETag, and its own conditions', async () => {
  const client = as('admin');
  const head = { Bucket: 'fleet', Key: 'digits' };
  const { ContentLength, ETag } = await client.send(new HeadObjectCommand(head));
  assert.equal(ContentLength, 10);
  await assert.rejects(
    client.send(new HeadObjectCommand({ ...head, IfNoneMatch: ETag })),
    ({ $metadata }) => $metadata.httpStatusCode === 304,
  );
  await assert.rejects(
    client.send(new HeadObjectCommand({ ...head, IfMatch: '"0"' })),
    ({ $metadata }) => $metadata.httpStatusCode === 412,
  );
});

test('embedded S3: folders are listed once each, over all pages', async () => {
  const client = as('admin');
  await client.send(new CreateBucketCommand({ Bucket: 'folders' }));
  const keys = ['a/1', 'a/2', 'a-b', 'a/3/x', 'b', 'c/1', 'c/2', 'd'];
  for (const key of keys) server.put('folders', key, key);
  const seen: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: 'folders',
        Delimiter: '/',
        MaxKeys: 1,
        ContinuationToken,
      }),
    );
    assert.equal(page.KeyCount, 1);
    seen.push(...(page.Contents ?? []).map(({ Key }) => `${Key}`));
    seen.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => `${Prefix}`));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  assert.deepEqual(seen, ['a-b', 'a/', 'b', 'c/', 'd']);
});

test('embedded S3: keys are encoded on request', async () => {
  const client = as('admin');
  await client.send(new CreateBucketCommand({ Bucket: 'encoded' }));
  server.put('encoded', 'a b+c/\u0001', 'x');
  const list = new ListObjectsV2Command({ Bucket: 'encoded', EncodingType: 'url' });
  const { Contents } = await client.send(list);
  assert.deepEqual(
    Contents?.map(({ Key }) => Key),
    ['a+b%2Bc/%01'],
  );
});

test('embedded S3: an unknown request gets "not implemented", never a wrong answer', async () => {
  const command = new GetObjectTaggingCommand(put);
  await assert.rejects(as('admin').send(command), { name: 'NotImplemented' });
  const response = await fetch(`${server.endpoint}/fleet/digits?X-Amz-Signature=0`);
  assert.equal(response.status, 501);
});

test('embedded S3: a replaced answer keeps the ETag of the right one', async () => {
  const get = new GetObjectCommand({ Bucket: 'fleet', Key: 'digits' });
  const right = await as('admin').send(get);
  server.faults.add({
    kind: 'replace-body',
    match: { key: /^dig/ },
    replace: () => Buffer.from('evil'),
  });
  const other = await as('admin').send(get);
  server.faults.clear();
  assert.equal(await other.Body?.transformToString(), 'evil');
  assert.equal(other.ETag, right.ETag);
});
