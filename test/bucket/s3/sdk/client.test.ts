import assert from 'node:assert/strict';
import { after, before, test as testOnce } from 'node:test';
import { S3Settings } from '../../../../bucket/s3/settings.ts';
import { rejectsWith } from '../../../support/s3/assert.ts';
import { type OpenClient, S3_CLIENTS } from '../../../support/s3/clients.ts';
import { adminPolicy } from '../../../support/s3/policy.ts';
import { useProfiles } from '../../../support/s3/profiles.ts';
import { startForwardProxy } from '../../../support/s3/proxy.ts';
import { type S3Server, startS3Server } from '../../../support/s3/server.ts';
import { withEnvironment } from '../../../support/with-environment.ts';

const credentials = { accessKeyId: 'ADMIN', secretAccessKey: 'secret' };

let server: S3Server;
let profiles: AsyncDisposable;
/** The lab of the current test. */
let openClient: OpenClient;

before(async () => {
  profiles = await useProfiles({ default: credentials });
  server = await startS3Server({
    users: [{ ...credentials, policy: adminPolicy }],
    buckets: ['fleet'],
  });
  server.put('fleet', 'x', 'content');
});

after(async () => {
  await server.close();
  await profiles[Symbol.asyncDispose]();
});

async function read(settings: object): Promise<string | undefined> {
  const { endpoint, region } = server;
  const bucket = openClient('fleet', S3Settings.parse({ endpoint, region, ...settings }));
  try {
    const got = await bucket.get('x', { maxBytes: 100 });
    return got.kind === 'object' ? got.bytes.toString() : undefined;
  } finally {
    bucket.close();
  }
}

/** Each test runs with both clients. */
function test(claim: string, body: () => Promise<void>): void {
  for (const [client, open] of Object.entries(S3_CLIENTS)) {
    testOnce(`${client}: ${claim}`, async () => {
      openClient = open;
      await body();
    });
  }
}

test('the proxy of the settings is used', async () => {
  await using proxy = await startForwardProxy();
  assert.equal(await read({ proxy: proxy.url }), 'content');
  assert.deepEqual(
    proxy.asked.map((line) => line.replace(/\?.*/, '')),
    [`GET ${server.endpoint}/fleet/x`],
  );
});

test('the proxy of the environment is used', async () => {
  await using proxy = await startForwardProxy();
  await withEnvironment({ HTTP_PROXY: proxy.url }, async () => {
    assert.equal(await read({}), 'content');
  });
  assert.equal(proxy.asked.length, 1);
});

test('NO_PROXY excepts hosts from the proxy of the environment', async () => {
  await using proxy = await startForwardProxy();
  await withEnvironment({ HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' }, async () => {
    assert.equal(await read({}), 'content');
  });
  assert.equal(proxy.asked.length, 0);
});

test('HTTPS asks the proxy for a tunnel; a proxy that refuses is reported as unreachable', async () => {
  await using proxy = await startForwardProxy();
  const endpoint = `https://127.0.0.1:${server.port}`;
  await rejectsWith('S3_UNREACHABLE', read({ endpoint, proxy: proxy.url, max_attempts: 1 }));
  assert.deepEqual(proxy.asked, [`CONNECT 127.0.0.1:${server.port}`]);
});

test('credentials of the environment are used, but a configured profile wins', async () => {
  const environment = { AWS_ACCESS_KEY_ID: 'NOBODY', AWS_SECRET_ACCESS_KEY: 'no' };
  await withEnvironment(environment, async () => {
    await rejectsWith('S3_CREDENTIALS_REJECTED', read({}));
    assert.equal(await read({ profile: 'default' }), 'content');
  });
});

test('a region of the environment is used', async () => {
  await withEnvironment({ AWS_REGION: server.region }, async () => {
    assert.equal(await read({ region: undefined }), 'content');
  });
});

test('uploads carry a checksum, unless the store does not accept it', async () => {
  const { endpoint, region } = server;
  const bodies = { 'when-supported': true, 'when-required': false } as const;
  for (const [checksums, wanted] of Object.entries(bodies)) {
    const bucket = openClient('fleet', S3Settings.parse({ endpoint, region, checksums }));
    server.requests.length = 0;
    await bucket.put('y', Buffer.from('y'));
    bucket.close();
    assert.equal(server.requests[0]?.headers['x-amz-checksum-crc32'] !== undefined, wanted);
  }
});

test('AWS is addressed by host name, and so is a store that needs it', async () => {
  await using proxy = await startForwardProxy();
  const bucket = openClient(
    'fleet',
    S3Settings.parse({ region: 'eu-central-1', proxy: proxy.url, max_attempts: 1 }),
  );
  await rejectsWith('S3_UNREACHABLE', bucket.get('x', { maxBytes: 1 }));
  bucket.close();
  const settings = { endpoint: 'https://s3.example.com', path_style: false, proxy: proxy.url };
  await rejectsWith('S3_UNREACHABLE', read({ ...settings, max_attempts: 1 }));
  assert.deepEqual(proxy.asked, [
    'CONNECT fleet.s3.eu-central-1.amazonaws.com:443',
    'CONNECT fleet.s3.example.com:443',
  ]);
});
