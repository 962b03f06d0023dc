import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFor } from '../../../../bucket/s3/connection/proxy.ts';

const PROXY = 'http://proxy.example.com:3128/';

function choice(url: string, env: NodeJS.ProcessEnv, configured?: string): string | undefined {
  const { protocol, hostname, port } = new URL(url);
  const target = {
    isTls: protocol === 'https:',
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? undefined : port,
  };
  return proxyFor(target, configured, env);
}

const chosen: Readonly<Record<string, readonly [string, NodeJS.ProcessEnv, string | undefined]>> = {
  'no variable': ['https://s3.example.com', {}, undefined],
  'HTTPS_PROXY for https': ['https://s3.example.com', { HTTPS_PROXY: PROXY }, PROXY],
  'https_proxy before HTTPS_PROXY': [
    'https://s3.example.com',
    { HTTPS_PROXY: 'http://other:1', https_proxy: PROXY },
    PROXY,
  ],
  'HTTPS_PROXY not for http': ['http://s3.example.com', { HTTPS_PROXY: PROXY }, undefined],
  'HTTP_PROXY for http': ['http://s3.example.com', { HTTP_PROXY: PROXY }, PROXY],
  'HTTP_PROXY not for https': ['https://s3.example.com', { HTTP_PROXY: PROXY }, undefined],
  'ALL_PROXY for https': ['https://s3.example.com', { ALL_PROXY: PROXY }, PROXY],
  'all_proxy for http': ['http://s3.example.com', { all_proxy: PROXY }, PROXY],
  'HTTPS_PROXY before ALL_PROXY': [
    'https://s3.example.com',
    { ALL_PROXY: 'http://other:1', HTTPS_PROXY: PROXY },
    PROXY,
  ],
  'an empty variable': ['https://s3.example.com', { https_proxy: '', HTTPS_PROXY: PROXY }, PROXY],
  'no scheme': ['https://s3.example.com', { HTTPS_PROXY: 'proxy.example.com:3128' }, PROXY],
  'no scheme, with a password': [
    'https://s3.example.com',
    { HTTPS_PROXY: 'user:p%40ss@proxy.example.com:3128' },
    'http://user:p%40ss@proxy.example.com:3128/',
  ],
  'no scheme, an address': [
    'https://s3.example.com',
    { HTTPS_PROXY: '10.0.0.1:3128' },
    'http://10.0.0.1:3128/',
  ],
  'a proxy with TLS': [
    'https://s3.example.com',
    { HTTPS_PROXY: 'https://proxy.example.com' },
    'https://proxy.example.com/',
  ],
};

for (const [name, [url, env, want]] of Object.entries(chosen)) {
  test(`proxy: ${name}`, () => assert.equal(choice(url, env), want));
}

test('proxy: s3.proxy wins over the variables and NO_PROXY', () => {
  const env = { HTTPS_PROXY: 'http://other:1', NO_PROXY: '*' };
  assert.equal(choice('https://s3.example.com', env, 'proxy.example.com:3128'), PROXY);
});

const excepted: readonly (readonly [string, string, boolean])[] = [
  ['*', 'https://s3.example.com', true],
  ['s3.example.com', 'https://s3.example.com', true],
  ['S3.Example.COM', 'https://s3.example.com', true],
  ['example.com', 'https://s3.example.com', true],
  ['.example.com', 'https://s3.example.com', true],
  ['.example.com', 'https://example.com', true],
  ['*.example.com', 'https://s3.example.com', true],
  ['example.com.', 'https://s3.example.com', true],
  ['example.com', 'https://notexample.com', false],
  ['.example.com', 'https://notexample.com', false],
  ['s3.example.com', 'https://example.com', false],
  ['other.org, example.com', 'https://s3.example.com', true],
  ['other.org example.com', 'https://s3.example.com', true],
  ['example.com:443', 'https://s3.example.com', true],
  ['example.com:80', 'http://s3.example.com', true],
  ['example.com:9000', 'https://s3.example.com:9000', true],
  ['example.com:9000', 'https://s3.example.com', false],
  ['10.0.0.0/8', 'https://10.1.2.3:9000', true],
  ['10.0.0.0/8', 'https://11.1.2.3:9000', false],
  ['10.0.0.0/8', 'https://s3.example.com', false],
  ['192.168.1.128/25', 'https://192.168.1.127', false],
  ['192.168.1.128/25', 'https://192.168.1.129', true],
  ['0.0.0.0/0', 'https://192.0.2.1', true],
  ['10.0.0.1-10.0.0.9', 'https://10.0.0.5', true],
  ['10.0.0.1-10.0.0.9', 'https://10.0.0.10', false],
  ['10.0.0.5', 'https://10.0.0.5', true],
  ['10.0.0.5:9000', 'https://10.0.0.5:9000', true],
  ['10.0.0.5:9000', 'https://10.0.0.5', false],
  ['0.0.0.5', 'https://10.0.0.5', false],
  ['fd00::/8', 'https://[fd12::1]:9000', true],
  ['fd00::/8', 'https://[fe80::1]', false],
  ['::1', 'https://[::1]:9000', true],
  ['[::1]', 'https://[::1]:9000', true],
  ['[::1]:9000', 'https://[::1]:9000', true],
  ['[::1]:9000', 'https://[::1]', false],
  ['0:0:0:0:0:0:0:1', 'https://[::1]', true],
  ['10.0.0.0/99', 'https://10.1.2.3', false],
  ['10.0.0.0/x', 'https://10.1.2.3', false],
  ['10.0.0.0/', 'https://192.0.2.1', false],
  ['/', 'https://10.1.2.3', false],
  [',', 'https://s3.example.com', false],
  ['.', 'https://s3.example.com', false],
];

for (const [noProxy, url, isDirect] of excepted) {
  test(`proxy: NO_PROXY=${noProxy} ${isDirect ? 'excepts' : 'does not except'} ${url}`, () => {
    const all = { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY };
    for (const name of ['NO_PROXY', 'no_proxy']) {
      assert.equal(choice(url, { ...all, [name]: noProxy }), isDirect ? undefined : PROXY);
    }
  });
}

for (const value of [
  'socks5://user:secret@h:1080',
  'http://',
  'http://user:secret@h:x',
  'user:secret@',
]) {
  test(`proxy: ${value} is CONFIG_INVALID, without its password`, () => {
    const refused = (error: Error & { code?: string }) =>
      error.code === 'CONFIG_INVALID' &&
      error.message.includes('HTTPS_PROXY') &&
      !error.message.includes('secret');
    assert.throws(() => choice('https://s3.example.com', { HTTPS_PROXY: value }), refused);
  });
}
