import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { plainHttpEndpoint } from '../../../bucket/s3/effective-settings.ts';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import { S3_CLIENTS } from '../../support/s3/clients.ts';
import { useProfiles } from '../../support/s3/profiles.ts';

test('S3 settings: each one has a default', () => {
  assert.deepEqual(S3Settings.parse({}), {
    connect_timeout: { seconds: 5 },
    request_timeout: { seconds: 10 },
  });
});

test('S3 settings: the settings that an on-premises store needs', () => {
  const settings = {
    endpoint: 'https://s3.example.com:9000',
    region: 'us-east-1',
    path_style: true,
    proxy: 'http://user:secret@proxy.example.com:3128',
    retry_mode: 'adaptive',
    max_attempts: 8,
    connect_timeout: '2s',
    request_timeout: '1m',
    checksums: 'when-required',
    profile: 'miyamoto',
  };
  assert.deepEqual(S3Settings.parse(settings), {
    ...settings,
    connect_timeout: { seconds: 2 },
    request_timeout: { seconds: 60 },
  });
});

const refused = {
  'an unknown key': { end_point: 'https://s3.example.com' },
  'an endpoint without scheme': { endpoint: 's3.example.com' },
  'an endpoint of another scheme': { endpoint: 'ftp://s3.example.com' },
  'an endpoint with a query': { endpoint: 'https://s3.example.com/?x=1' },
  'an endpoint with credentials': { endpoint: 'https://key:secret@s3.example.com' },
  'an empty region': { region: '' },
  'an unknown retry mode': { retry_mode: 'legacy' },
  'no try at all': { max_attempts: 0 },
  'no time at all': { request_timeout: 0 },
  'a time that is not a number': { connect_timeout: 'soon' },
  'access keys': { access_key_id: 'AKIA' },
} satisfies Record<string, object>;

for (const [name, settings] of Object.entries(refused)) {
  test(`S3 settings: ${name} is refused, and the message names the setting`, () => {
    const { error } = S3Settings.safeParse(settings);
    const [key = ''] = Object.keys(settings);
    assert.ok(JSON.stringify(error?.issues).includes(key));
  });
}

for (const endpoint of [
  'http://s3.example.com',
  'http://10.0.0.5:9000',
  'http://[fd00::1]',
  'http://127.0.0.1.example.com',
  'HTTP://minio:9000',
]) {
  test(`row 23: ${endpoint} needs allow_plain_http`, async () => {
    const { error } = S3Settings.safeParse({ endpoint });
    assert.deepEqual(
      error?.issues.map(({ path }) => path),
      [['endpoint']],
    );
    assert.match(error.issues[0]?.message ?? '', /allow_plain_http: true/);
    assert.equal(S3Settings.safeParse({ endpoint, allow_plain_http: false }).success, false);
    assert.equal(S3Settings.safeParse({ endpoint, allow_plain_http: true }).success, true);
    assert.equal(await plainHttpEndpoint({ endpoint, allow_plain_http: true }, {}), endpoint);
  });
}

for (const endpoint of [
  'http://127.0.0.1:9000',
  'http://localhost',
  'http://s3.localhost',
  'http://[::1]:9000',
  'http://127.1',
  'https://s3.example.com',
]) {
  test(`row 23: ${endpoint} is used as it is`, async () => {
    assert.equal(S3Settings.safeParse({ endpoint }).success, true);
    assert.equal(await plainHttpEndpoint({ endpoint, allow_plain_http: true }, {}), undefined);
  });
}

test('row 23: an endpoint of the environment or a profile is warned about where it is allowed', async () => {
  const url = 'http://s3.example.com';
  const allowed = { allow_plain_http: true };
  await using _ = await useProfiles({});
  assert.equal(await plainHttpEndpoint(allowed, process.env), undefined);
  const config = process.env['AWS_CONFIG_FILE'] ?? '';
  await writeFile(
    config,
    `[default]\nendpoint_url = ${url}/default\n[profile own]\nservices = own\n[services own]\ns3 =\n  endpoint_url = ${url}/own\n`,
  );
  assert.equal(await plainHttpEndpoint(allowed, process.env), `${url}/default`);
  const own = { ...allowed, profile: 'own' };
  assert.equal(await plainHttpEndpoint(own, process.env), `${url}/own`);
  const variable = { ...process.env, AWS_PROFILE: 'own' };
  assert.equal(await plainHttpEndpoint(allowed, variable), `${url}/own`);
  const ignored = { ...process.env, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' };
  assert.equal(await plainHttpEndpoint(allowed, ignored), undefined);
  const all = { ...process.env, AWS_ENDPOINT_URL: url };
  assert.equal(await plainHttpEndpoint(allowed, all), url);
});

test('row 23: an endpoint of the environment is refused', async () => {
  const env = { AWS_ENDPOINT_URL: 'http://s3.example.com' };
  await using _ = await useProfiles({ default: { accessKeyId: 'A', secretAccessKey: 's' } });
  Object.assign(process.env, env);
  const settings = S3Settings.parse({ region: 'us-east-1', max_attempts: 1 });
  try {
    for (const open of Object.values(S3_CLIENTS)) {
      await assert.rejects(open('fleet', settings).get('x', { maxBytes: 1 }), {
        code: 'CONFIG_INVALID',
        message: /http:\/\/s3\.example\.com \(AWS_ENDPOINT_URL\) .*allow_plain_http/,
      });
    }
  } finally {
    delete process.env['AWS_ENDPOINT_URL'];
  }
});
