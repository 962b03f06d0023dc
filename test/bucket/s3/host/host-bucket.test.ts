import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { lightOptions, openHostBucket } from '../../../../bucket/s3/host/host-bucket.ts';
import { LightBucket } from '../../../../bucket/s3/light/light-bucket.ts';
import { openBucket } from '../../../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../../../bucket/s3/settings.ts';
import { startForwardProxy } from '../../../support/s3/proxy.ts';

const keys = { AWS_ACCESS_KEY_ID: 'KEY', AWS_SECRET_ACCESS_KEY: 'secret' };
const store = { endpoint: 'http://127.0.0.1:9000', region: 'us-east-1' };
const aws = { region: 'eu-central-1' };

interface Row {
  readonly bucket?: string;
  readonly settings?: object;
  readonly env?: Readonly<Record<string, string>>;
  /** Content of `~/.aws/config`. */
  readonly config?: string;
  readonly credentials?: string;
}

/**
 * A host with these AWS files and variables; the SDK reads them from the environment of the
 * process.
 */
async function onHost(t: TestContext, row: Row) {
  const home = await mkdtemp(join(tmpdir(), 'miyamoto-test-aws-'));
  const before = { ...process.env };
  t.after(async () => {
    process.env = before;
    await rm(home, { recursive: true });
  });
  const files = { config: row.config, credentials: row.credentials };
  for (const [name, text] of Object.entries(files)) {
    if (text !== undefined) await writeFile(join(home, name), text);
  }
  for (const name of Object.keys(process.env)) {
    if (/^AWS_|_proxy$/i.test(name)) delete process.env[name];
  }
  Object.assign(process.env, {
    AWS_CONFIG_FILE: join(home, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(home, 'credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    ...row.env,
  });
  return [row.bucket ?? 'fleet', S3Settings.parse(row.settings ?? store), process.env] as const;
}

const light: Readonly<Record<string, Row>> = {
  'a store, keys in the environment': { env: keys },
  'a store with its own region name': { settings: { ...store, region: 'garage' } },
  'a store below a path': { settings: { ...store, endpoint: 'https://s3.example.com/store/' } },
  'AWS proper, an instance role': { settings: aws },
  'AWS proper, a bucket with dots in its name': { settings: aws, bucket: 'fleet.example.com' },
  'AWS proper by path': { settings: { ...aws, path_style: true } },
  'a region of the environment': { settings: {}, env: { AWS_REGION: 'us-west-2' } },
  'a region of the profile': { settings: {}, config: '[default]\nregion = us-west-2\n' },
  'a profile with a role': {
    settings: { ...aws, profile: 'fleet' },
    config:
      '[profile fleet]\nrole_arn = arn:aws:iam::1:role/x\ncredential_source = Ec2InstanceMetadata\n',
  },
  'keys of a file': {
    credentials: '[default]\naws_access_key_id = KEY\naws_secret_access_key = secret\n',
  },
  'tries, checksums and proxy': {
    settings: {
      ...store,
      max_attempts: 5,
      checksums: 'when-required',
      proxy: 'http://127.0.0.1:1',
    },
  },
  'an endpoint of the environment': { settings: aws, env: { AWS_ENDPOINT_URL_S3: 'https://h' } },
  'an endpoint of all services': { settings: aws, env: { AWS_ENDPOINT_URL: 'https://h' } },
  'an endpoint of the profile': {
    settings: aws,
    config: '[default]\nendpoint_url = http://127.0.0.1:1\n',
  },
  'an endpoint of the services of the profile': {
    settings: aws,
    config:
      '[default]\nservices = own\n[services own]\ns3 =\n  endpoint_url = http://127.0.0.1:1\n',
  },
  'an access point': {
    settings: {},
    bucket: 'arn:aws:s3:eu-central-1:123456789012:accesspoint/fleet',
  },
  'tries of the environment': { env: { AWS_MAX_ATTEMPTS: '5', AWS_RETRY_MODE: 'standard' } },
};

for (const [name, row] of Object.entries(light)) {
  test(`a host uses the light client for ${name}`, async (t) => {
    assert.ok((await openHostBucket(...(await onHost(t, row)))) instanceof LightBucket);
  });
}

const whole: Readonly<Record<string, Row>> = {
  'no region': { settings: {} },
  'a region of China': { settings: { region: 'cn-north-1' } },
  'a region of the government': { settings: { region: 'us-gov-west-1' } },
  'a region that means FIPS': { settings: { region: 'fips-us-east-1' } },
  'a region that no host name has': { settings: { ...store, region: 'a b' } },
  'a bucket of S3 Express': { settings: aws, bucket: 'fleet--use1-az4--x-s3' },
  'a bucket with an old name': { settings: aws, bucket: 'Fleet_1' },
  'a bucket that looks like an address': { settings: aws, bucket: '192.168.1.1' },
  'a store by host name': { settings: { ...store, path_style: false } },
  'an access point in China': {
    settings: {},
    bucket: 'arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/fleet',
  },
  'an access point by an endpoint of a private network': {
    settings: { endpoint: 'https://accesspoint.vpce-1.s3.eu-central-1.vpce.amazonaws.com' },
    bucket: 'arn:aws:s3:eu-central-1:123456789012:accesspoint/fleet',
  },
  'adaptive retries': { settings: { ...store, retry_mode: 'adaptive' } },
  'adaptive retries of the environment': { env: { AWS_RETRY_MODE: 'adaptive' } },
  'tries that are no number': { env: { AWS_MAX_ATTEMPTS: 'many' } },
  'FIPS by the environment': { settings: aws, env: { AWS_USE_FIPS_ENDPOINT: 'true' } },
  'an unknown variable': { env: { AWS_NEW_IN_2031: '1' } },
  'dual stack by the profile': {
    settings: { ...aws, profile: 'fleet' },
    config: '[profile fleet]\nuse_dualstack_endpoint = true\n',
  },
};

for (const [name, row] of Object.entries(whole)) {
  test(`a host uses the SDK's full client for ${name}`, async (t) => {
    assert.equal(await lightOptions(...(await onHost(t, row))), undefined);
    (await openHostBucket(...(await onHost(t, row)))).close();
  });
}

const credentials: Readonly<Record<string, Row & { readonly accessKeyId: string }>> = {
  'keys of the environment, with a session': {
    env: { ...keys, AWS_SESSION_TOKEN: 'token' },
    accessKeyId: 'KEY',
  },
  'keys of the environment before those of the default profile': {
    env: keys,
    credentials: '[default]\naws_access_key_id = FILE\naws_secret_access_key = secret\n',
    accessKeyId: 'KEY',
  },
  'a profile that is named before keys of the environment': {
    env: { ...keys, AWS_PROFILE: 'fleet' },
    credentials: '[fleet]\naws_access_key_id = FLEET\naws_secret_access_key = secret\n',
    accessKeyId: 'FLEET',
  },
  'a program that prints them': {
    config: `[default]\ncredential_process = /bin/echo '{"Version":1,"AccessKeyId":"MADE","SecretAccessKey":"s"}'\n`,
    accessKeyId: 'MADE',
  },
};

for (const [name, row] of Object.entries(credentials)) {
  test(`credentials: ${name}`, async (t) => {
    const options = await lightOptions(...(await onHost(t, row)));
    const found = await options?.credentials();
    assert.equal(found?.accessKeyId, row.accessKeyId);
    assert.equal(found.sessionToken, row.env?.['AWS_SESSION_TOKEN']);
  });
}

const asked: Readonly<Record<string, Row>> = {
  'AWS proper': { settings: aws },
  'AWS proper, us-east-1': { settings: { region: 'us-east-1' } },
  'AWS proper, a bucket with dots': { settings: aws, bucket: 'fleet.example.com' },
  'an access point': {
    settings: { region: 'us-east-1' },
    bucket: 'arn:aws:s3:eu-central-1:123456789012:accesspoint/fleet',
  },
  'AWS proper, by path': { settings: { ...aws, path_style: true } },
  'a store, its own port': { settings: { ...store, endpoint: 'https://s3.example.com:9000' } },
  'a store, an IPv6 address': { settings: { ...store, endpoint: 'http://[::1]:9000' } },
  'a store below a path': {
    settings: { ...store, endpoint: 'http://s3.example.com/store/', allow_plain_http: true },
  },
  'a bucket with dots': { settings: store, bucket: 'fleet.example.com' },
};

for (const [name, row] of Object.entries(asked)) {
  test(`both clients send the same requests to the same server: ${name}`, async (t) => {
    const [bucket, settings, env] = await onHost(t, { ...row, env: keys });
    await using proxy = await startForwardProxy();
    const through = { ...settings, proxy: proxy.url, max_attempts: 1 };
    const clients = [await openBucket(bucket, through), await openHostBucket(bucket, through, env)];
    for (const client of clients) {
      await assert.rejects(client.get("ubuntu/a b+c'(d)*/é", { maxBytes: 1 }));
      client.close();
    }
    assert.ok(clients[1] instanceof LightBucket);
    const [sdk, ours, ...more] = proxy.asked.map((line) => line.replace(/\?x-id=GetObject$/, ''));
    assert.ok(sdk !== undefined && more.length === 0);
    assert.equal(ours, sdk);
  });
}

const ACCESS_POINTS: Readonly<Record<string, readonly [string, Row['settings'], string]>> = {
  'in China': [
    'arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/fleet',
    {},
    'fleet-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn:443',
  ],
  'by an endpoint of a private network': [
    'arn:aws:s3:eu-central-1:123456789012:accesspoint/fleet',
    { endpoint: 'https://accesspoint.vpce-1.s3.eu-central-1.vpce.amazonaws.com' },
    'fleet-123456789012.accesspoint.vpce-1.s3.eu-central-1.vpce.amazonaws.com:443',
  ],
};

for (const [name, [bucket, settings = {}, host]] of Object.entries(ACCESS_POINTS)) {
  test(`both clients ask the server of an access point ${name}`, async (t) => {
    const [, given, env] = await onHost(t, { settings, env: keys });
    await using proxy = await startForwardProxy();
    const through = { ...given, proxy: proxy.url, max_attempts: 1 };
    for (const opened of [openBucket(bucket, through), openHostBucket(bucket, through, env)]) {
      const client = await opened;
      await assert.rejects(client.get('x', { maxBytes: 1 }));
      client.close();
    }
    assert.deepEqual(proxy.asked, [`CONNECT ${host}`, `CONNECT ${host}`]);
  });
}

test('both clients name the proxy that cannot be reached, without its password', async (t) => {
  const [bucket, given, env] = await onHost(t, { settings: store, env: keys });
  const through = { ...given, proxy: 'http://user:secret@127.0.0.1:1', max_attempts: 1 };
  for (const opened of [openBucket(bucket, through), openHostBucket(bucket, through, env)]) {
    const client = await opened;
    await assert.rejects(client.get('x', { maxBytes: 1 }), {
      code: 'S3_UNREACHABLE',
      message: /ECONNREFUSED 127\.0\.0\.1:1; asked through the proxy 127\.0\.0\.1:1\)$/,
    });
    client.close();
  }
});

test('an access point by path is CONFIG_INVALID', async (t) => {
  const row = { settings: { path_style: true }, env: keys };
  const [, settings, env] = await onHost(t, row);
  const arn = 'arn:aws:s3:eu-central-1:123456789012:accesspoint/fleet';
  for (const opened of [openBucket(arn, settings), lightOptions(arn, settings, env)]) {
    await assert.rejects(opened, { code: 'CONFIG_INVALID', message: /s3\.path_style/ });
  }
});
