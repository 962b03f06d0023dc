import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test as testOnce } from 'node:test';
import { S3Settings } from '../../../../bucket/s3/settings.ts';
import type { CodedError } from '../../../../shared/coded-error.ts';
import { type Authority, makeAuthority } from '../../../support/certificates.ts';
import { type OpenClient, S3_CLIENTS } from '../../../support/s3/clients.ts';
import { adminPolicy } from '../../../support/s3/policy.ts';
import { useProfiles } from '../../../support/s3/profiles.ts';
import { type ForwardProxy, startForwardProxy } from '../../../support/s3/proxy.ts';
import { type S3Server, startS3Server } from '../../../support/s3/server.ts';
import { withEnvironment } from '../../../support/with-environment.ts';

/*
 * A store with a certificate of a private authority, as the two clients see it. Which authorities
 * are trusted holds for the whole process, so that each test begins with the certificate of another
 * authority in its settings or takes a server whose authority no test has trusted before.
 */

const ACCESS_POINT = 'arn:aws:s3:eu-central-1:123456789012:accesspoint/fleet';
const AT_AWS = 'fleet-123456789012.s3-accesspoint.eu-central-1.amazonaws.com';
const credentials = { accessKeyId: 'ADMIN', secretAccessKey: 'secret' };

let profiles: AsyncDisposable;
let directory: string;
let trusted: Authority;
let other: Authority;
let server: S3Server;
let foreign: S3Server;
/** Tunnels to `server`, whatever name is asked for. */
let proxy: ForwardProxy;

before(async () => {
  profiles = await useProfiles({ default: credentials });
  directory = await mkdtemp(join(tmpdir(), 'miyamoto-test-tls-'));
  trusted = await makeAuthority('Private CA');
  other = await makeAuthority('Another CA');
  const tls = await trusted.issue(['127.0.0.1', AT_AWS]);
  server = await startStore(tls);
  foreign = await startStore(await (await makeAuthority('Foreign CA')).issue(['127.0.0.1']));
  proxy = await startForwardProxy({ tunnelTo: server.port, tls });
});

after(async () => {
  for (const each of [proxy, server, foreign, trusted, other, profiles])
    await each[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

async function startStore(tls: { key: string; cert: string }): Promise<S3Server> {
  const store = await startS3Server({
    region: 'eu-central-1',
    users: [{ ...credentials, policy: adminPolicy }],
    buckets: ['fleet'],
    tls,
    bucketOf: (host) => (host === AT_AWS ? 'fleet' : undefined),
  });
  store.put('fleet', 'x', 'content');
  return store;
}

function test(
  claim: string,
  body: (read: (settings?: object, bucket?: string) => Promise<string>) => Promise<void>,
): void {
  for (const [client, open] of Object.entries(S3_CLIENTS)) {
    testOnce(`TLS, ${client}: ${claim}`, async () => await body(reader(open)));
  }
}

function reader(open: OpenClient) {
  return async (settings: object = {}, name = 'fleet'): Promise<string> => {
    const isArn = name !== 'fleet';
    const given = { ...(!isArn && { endpoint: server.endpoint }), region: 'eu-central-1' };
    const bucket = open(name, S3Settings.parse({ ...given, max_attempts: 1, ...settings }));
    try {
      const got = await bucket.get('x', { maxBytes: 100 });
      return got.kind === 'object' ? got.bytes.toString() : 'unchanged';
    } finally {
      bucket.close();
    }
  };
}

function refusal(code: string, message: RegExp, next: RegExp) {
  return (error: CodedError) => {
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.next ?? '', next);
    return true;
  };
}

test('an unknown authority is named, with the keys that help', async (read) => {
  const unknown = refusal(
    'S3_UNREACHABLE',
    /for "CN=127\.0\.0\.1", issued by "CN=Foreign CA, O=Example"/,
    /s3\.ca_file .*AWS_CA_BUNDLE/,
  );
  await assert.rejects(read({ endpoint: foreign.endpoint }), unknown);
  await using tunnel = await startForwardProxy({ tunnelTo: foreign.port });
  await assert.rejects(read({ endpoint: 'https://s3.example.com', proxy: tunnel.url }), unknown);
});

test('the authorities of the system are trusted, also one that came later', async (read) => {
  const store = join(directory, 'system.pem');
  await writeFile(store, other.pem);
  await withEnvironment({ SSL_CERT_FILE: store }, async () => {
    const authority = await makeAuthority('Late CA');
    await using late = await startStore(await authority.issue(['127.0.0.1']));
    const atLate = { endpoint: late.endpoint };
    await assert.rejects(read(atLate), { code: 'S3_UNREACHABLE' });
    await writeFile(store, `${other.pem}${authority.pem}`);
    assert.equal(await read(atLate), 'content');
    await authority[Symbol.asyncDispose]();
  });
});

test('s3.ca_file is trusted', async (read) => {
  assert.equal(await read({ ca_file: trusted.file }), 'content');
});

test('AWS_CA_BUNDLE is trusted', async (read) => {
  await withEnvironment({ AWS_CA_BUNDLE: trusted.file }, async () => {
    assert.equal(await read(), 'content');
  });
});

test('ca_bundle of the profile is trusted', async (read) => {
  const config = process.env['AWS_CONFIG_FILE'] ?? '';
  await writeFile(config, `[default]\nca_bundle = ${trusted.file}\n`);
  try {
    assert.equal(await read(), 'content');
  } finally {
    await rm(config);
  }
});

test('s3.ca_file wins over AWS_CA_BUNDLE and over the authorities of the system', async (read) => {
  const all = { AWS_CA_BUNDLE: trusted.file, SSL_CERT_FILE: trusted.file };
  await withEnvironment(all, async () => {
    const refused = refusal('S3_UNREACHABLE', /issued by "CN=Private CA/, /s3\.ca_file/);
    await assert.rejects(read({ ca_file: other.file }), refused);
  });
});

for (const [what, content] of [
  ['is missing', undefined],
  ['is not PEM', 'hello'],
  ['is damaged', '-----BEGIN CERTIFICATE-----\nTUlJQg==\n-----END CERTIFICATE-----\n'],
] as const) {
  test(`a file that ${what} is CONFIG_INVALID, and is read again`, async (read) => {
    const file = join(directory, 'bundle.pem');
    await rm(file, { force: true });
    if (content !== undefined) await writeFile(file, content);
    const invalid = refusal('CONFIG_INVALID', /s3\.ca_file.*bundle\.pem/, /openssl x509/);
    await assert.rejects(read({ ca_file: file }), invalid);
    await copyFile(trusted.file, file);
    assert.equal(await read({ ca_file: file }), 'content');
  });
}

test('a host needs no restart after its file was repaired or changed', async () => {
  const file = join(directory, 'later.pem');
  await rm(file, { force: true });
  const open = S3_CLIENTS["the host's client"] as OpenClient;
  const { endpoint } = server;
  const settings = { endpoint, region: 'eu-central-1', max_attempts: 1, ca_file: file };
  const bucket = open('fleet', S3Settings.parse(settings));
  await assert.rejects(bucket.get('x', { maxBytes: 100 }), { code: 'CONFIG_INVALID' });
  await copyFile(other.file, file);
  await assert.rejects(bucket.get('x', { maxBytes: 100 }), { code: 'S3_UNREACHABLE' });
  await copyFile(trusted.file, file);
  assert.equal((await bucket.get('x', { maxBytes: 100 })).kind, 'object');
  bucket.close();
});

test('a certificate for another name is named', async (read) => {
  const endpoint = 'https://s3.example.com';
  const settings = { endpoint, ca_file: trusted.file, proxy: proxy.url };
  const refused = refusal('S3_UNREACHABLE', /for "CN=127\.0\.0\.1"/, /s3\.endpoint/);
  await assert.rejects(read(settings), refused);
});

test('a proxy with TLS and a password carries the tunnel; the password is in no message', async (read) => {
  proxy.asked.length = 0;
  proxy.users.length = 0;
  const url = `https://user:p%40ss@127.0.0.1:${proxy.port}`;
  const settings = { endpoint: `https://127.0.0.1:${server.port}`, ca_file: trusted.file };
  assert.equal(await read({ ...settings, proxy: url }), 'content');
  assert.deepEqual(proxy.asked, [`CONNECT 127.0.0.1:${server.port}`]);
  assert.deepEqual(proxy.users, ['user:p@ss']);
  await using refusing = await startForwardProxy();
  const refused = { ...settings, proxy: `user:p%40ss@127.0.0.1:${refusing.port}` };
  await assert.rejects(read(refused), (error: CodedError) => {
    assert.equal(error.code, 'S3_UNREACHABLE');
    assert.match(error.message, /502/);
    assert.doesNotMatch(`${error.message} ${error.next}`, /p@ss|p%40ss/);
    return true;
  });
});

test('an access point is asked at its own address, in the region of its ARN', async (read) => {
  proxy.asked.length = 0;
  const settings = { ca_file: trusted.file, proxy: proxy.url, region: 'us-east-1' };
  assert.equal(await read(settings, ACCESS_POINT), 'content');
  assert.deepEqual(proxy.asked, [`CONNECT ${AT_AWS}:443`]);
});
