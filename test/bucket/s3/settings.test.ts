import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S3Settings } from '../../../bucket/s3/settings.ts';

test('S3 settings: all have a default', () => {
  assert.deepEqual(S3Settings.parse({}), {
    connect_timeout: { seconds: 5 },
    request_timeout: { seconds: 10 },
  });
});

test('S3 settings: what a store on premises needs', () => {
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
  'a time in words': { connect_timeout: 'soon' },
  'access keys': { access_key_id: 'AKIA' },
} satisfies Record<string, object>;

for (const [name, settings] of Object.entries(refused)) {
  test(`S3 settings: ${name} is refused, by name`, () => {
    const { error } = S3Settings.safeParse(settings);
    const [key = ''] = Object.keys(settings);
    assert.ok(JSON.stringify(error?.issues).includes(key));
  });
}
