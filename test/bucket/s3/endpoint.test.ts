import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test as testOnce } from 'node:test';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import type { CodedError } from '../../../shared/coded-error.ts';
import { S3_CLIENTS } from '../../support/s3/clients.ts';
import { adminPolicy } from '../../support/s3/policy.ts';
import { useProfiles } from '../../support/s3/profiles.ts';
import { startS3Server } from '../../support/s3/server.ts';

const credentials = { accessKeyId: 'ADMIN', secretAccessKey: 'secret' };
/** Path style, else its name would become part of a host name that does not exist. */
const BUCKET = 'masterless.puppet.example.com';
const NOBODY = 'https://127.0.0.1:1';

interface Place {
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: string;
  readonly settings?: object;
}

function test(claim: string, body: (read: (place: Place) => Promise<string>) => Promise<void>) {
  for (const [client, open] of Object.entries(S3_CLIENTS)) {
    testOnce(`endpoint, ${client}: ${claim}`, async () => {
      await using _ = await useProfiles({ default: credentials });
      await body(async ({ env = {}, config = '', settings = {} }) => {
        await writeFile(process.env['AWS_CONFIG_FILE'] ?? '', config);
        Object.assign(process.env, env);
        const given = { region: 'us-east-1', max_attempts: 1, ...settings };
        const bucket = open(BUCKET, S3Settings.parse(given));
        try {
          const got = await bucket.get('x', { maxBytes: 100 });
          return got.kind === 'object' ? got.bytes.toString() : 'unchanged';
        } finally {
          bucket.close();
        }
      });
    });
  }
}

const places: Readonly<Record<string, (endpoint: string) => Place>> = {
  AWS_ENDPOINT_URL: (url) => ({ env: { AWS_ENDPOINT_URL: url } }),
  'AWS_ENDPOINT_URL_S3 before AWS_ENDPOINT_URL': (url) => ({
    env: { AWS_ENDPOINT_URL: NOBODY, AWS_ENDPOINT_URL_S3: url },
  }),
  'AWS_ENDPOINT_URL before the profile': (url) => ({
    env: { AWS_ENDPOINT_URL: url },
    config: `[default]\nendpoint_url = ${NOBODY}\n`,
  }),
  'endpoint_url of the profile': (url) => ({ config: `[default]\nendpoint_url = ${url}\n` }),
  'endpoint_url of the services of the profile before that of the profile': (url) => ({
    config: `[default]\nendpoint_url = ${NOBODY}\nservices = own\n[services own]\ns3 =\n  endpoint_url = ${url}\n`,
  }),
  's3.endpoint before everything': (url) => ({
    settings: { endpoint: url },
    env: { AWS_ENDPOINT_URL_S3: NOBODY, AWS_ENDPOINT_URL: NOBODY },
  }),
};

for (const [name, place] of Object.entries(places)) {
  test(`${name} is path style, also for a bucket with dots`, async (read) => {
    await using server = await startS3Server({
      users: [{ ...credentials, policy: adminPolicy }],
      buckets: [BUCKET],
    });
    server.put(BUCKET, 'x', 'content');
    assert.equal(await read(place(server.endpoint)), 'content');
    assert.deepEqual(
      server.requests.map(({ bucket, key }) => [bucket, key]),
      [[BUCKET, 'x']],
    );
  });
}

test('the message names the endpoint that was asked', async (read) => {
  const asked = read({ env: { AWS_ENDPOINT_URL: NOBODY } });
  await assert.rejects(asked, ({ code, message, next = '' }: CodedError) => {
    assert.equal(code, 'S3_UNREACHABLE');
    assert.match(message, /https:\/\/127\.0\.0\.1:1\b/);
    assert.match(next, /https:\/\/127\.0\.0\.1:1\b/);
    return true;
  });
});

const refused: Readonly<Record<string, readonly [Place, RegExp]>> = {
  'plain HTTP in a variable': [
    { env: { AWS_ENDPOINT_URL_S3: 'http://s3.example.com' } },
    /http:\/\/s3\.example\.com \(AWS_ENDPOINT_URL_S3\) is plain HTTP/,
  ],
  'plain HTTP in a profile': [
    { config: '[default]\nendpoint_url = http://s3.example.com\n' },
    /endpoint_url of the profile\) is plain HTTP/,
  ],
  'no URL': [{ env: { AWS_ENDPOINT_URL: 's3.example.com:9000' } }, /AWS_ENDPOINT_URL: expected/],
  'a password in the URL': [
    { env: { AWS_ENDPOINT_URL: 'https://user:hunter2@s3.example.com' } },
    /^(?!.*hunter2).*AWS_ENDPOINT_URL: expected/,
  ],
};

for (const [name, [place, message]] of Object.entries(refused)) {
  test(`${name} is CONFIG_INVALID`, async (read) => {
    await assert.rejects(read(place), { code: 'CONFIG_INVALID', message });
  });
}
