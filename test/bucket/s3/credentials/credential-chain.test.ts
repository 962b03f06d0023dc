import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test as testOnce } from 'node:test';
import { S3Settings } from '../../../../bucket/s3/settings.ts';
import type { CodedError } from '../../../../shared/coded-error.ts';
import { bucketSource } from '../../../../trust/metadata/source.ts';
import { getFile } from '../../../../trust/workflow/fetcher.ts';
import { type OpenClient, S3_CLIENTS } from '../../../support/s3/clients.ts';
import { adminPolicy } from '../../../support/s3/policy.ts';
import { useProfiles } from '../../../support/s3/profiles.ts';
import { startForwardProxy } from '../../../support/s3/proxy.ts';
import { startS3Server } from '../../../support/s3/server.ts';
import { waitUntil } from '../../../support/wait-until.ts';

/* Both clients, with real helpers and a real store. STS and IMDS are played by small servers. */

const keys = { accessKeyId: 'ADMIN', secretAccessKey: 'secret' };
const JSON_KEYS = JSON.stringify({ Version: 1, AccessKeyId: 'ADMIN', SecretAccessKey: 'secret' });

interface Lab {
  readonly directory: string;
  /** Writes `~/.aws/config`. */
  config(text: string): Promise<void>;
  /** Writes a program in sh and returns its path. */
  program(script: string): Promise<string>;
  open(settings?: object): ReturnType<OpenClient>;
  read(settings?: object): Promise<string>;
}

function test(claim: string, body: (lab: Lab, t: TestContext) => Promise<void>): void {
  for (const [client, open] of Object.entries(S3_CLIENTS)) {
    testOnce(`credentials, ${client}: ${claim}`, async (t) => {
      await using _ = await useProfiles({});
      await body(await openLab(t, open), t);
    });
  }
}

async function openLab(t: TestContext, open: OpenClient): Promise<Lab> {
  const directory = await mkdtemp(join(tmpdir(), 'miyamoto-test-helper-'));
  const server = await startS3Server({
    users: [{ ...keys, policy: adminPolicy }],
    buckets: ['fleet'],
  });
  server.put('fleet', 'x', 'content');
  t.after(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });
  const { endpoint, region } = server;
  const opened: OpenClient = (name, settings) => {
    const bucket = open(name, settings);
    t.after(() => bucket.close());
    return bucket;
  };
  const lab: Lab = {
    directory,
    config: async (text) => await writeFile(process.env['AWS_CONFIG_FILE'] ?? '', text),
    async program(script) {
      const path = join(directory, 'helper');
      await writeFile(path, `#!/bin/sh\n${script}\n`);
      await chmod(path, 0o755);
      return path;
    },
    open: (settings = {}) =>
      opened('fleet', S3Settings.parse({ endpoint, region, max_attempts: 1, ...settings })),
    async read(settings = {}) {
      const got = await lab.open(settings).get('x', { maxBytes: 100 });
      return got.kind === 'object' ? got.bytes.toString() : 'unchanged';
    },
  };
  return lab;
}

function missing(words: RegExp) {
  return (error: CodedError) => {
    assert.equal(error.code, 'S3_CREDENTIALS_MISSING');
    assert.match(error.message, words);
    assert.doesNotMatch(error.message, /\n/);
    return true;
  };
}

test("a helper's stderr is in the message, on one line and without its secrets", async (lab) => {
  const helper = await lab.program(
    `printf 'vault: \\033[31mpermission denied\\033[0m\\ntoken=hvs.abcdefghijklmnop1234 expired\\n' >&2; exit 3`,
  );
  await lab.config(`[default]\ncredential_process = ${helper} --secret-id s3cret-id\n`);
  await assert.rejects(lab.read(), (error: CodedError) => {
    missing(/helper ended with exit code 3: vault: .*permission denied.* expired/)(error);
    assert.doesNotMatch(error.message, /hvs\.abc|s3cret-id|\p{Cc}/u);
    return true;
  });
});

test('a helper that fails runs once, and gives way to nothing else', async (lab) => {
  const count = join(lab.directory, 'count');
  const helper = await lab.program(`echo run >>'${count}'; exit 1`);
  await lab.config(`[default]\ncredential_process = ${helper}\n`);
  await assert.rejects(lab.read(), missing(/helper ended with exit code 1/));
  assert.equal(await readFile(count, 'utf8'), 'run\n');
});

for (const [name, output, words] of [
  ['no JSON', 'echo hello', /returned invalid JSON/],
  [
    'keys without a value',
    `echo '{"Version":1,"AccessKeyId":null,"SecretAccessKey":null}'`,
    /answered without an access key/,
  ],
  [
    'a key with a space at its end',
    `echo '{"Version":1,"AccessKeyId":"ADMIN","SecretAccessKey":"secret "}'`,
    /the secretAccessKey begins or ends with a space, or has a line break$/,
  ],
  ['another version', `echo '{"Version":2}'`, /did not return Version 1/],
  [
    'expired keys',
    `echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","Expiration":"2020-01-01T00:00:00Z"}'`,
    /expired credentials/,
  ],
  ['too much', 'yes', /printed more than 1048576 characters/],
  [
    'megabytes to stderr before the reason',
    `yes 'a frame of a trace' | head -c 2000000 >&2; echo 'the vault is sealed' >&2; exit 3`,
    /ended with exit code 3: a frame.*the vault is sealed$/,
  ],
] as const) {
  test(`a helper that prints ${name} is named`, async (lab) => {
    await lab.config(`[default]\ncredential_process = ${await lab.program(output)}\n`);
    await assert.rejects(lab.read(), missing(words));
  });
}

test('a helper that hung is ended with its children, and is asked again', async (lab) => {
  const [pids, works] = [join(lab.directory, 'pids'), join(lab.directory, 'works')];
  const helper = await lab.program(
    `[ -e '${works}' ] && { echo '${JSON_KEYS}'; exit; }
     trap '' TERM
     echo 'waiting for the vault' >&2
     sleep 1000 &
     echo "$$ $!" >'${pids}'
     wait`,
  );
  await lab.config(`[default]\ncredential_process = ${helper}\n`);
  const bucket = lab.open({ request_timeout: '2s' });
  await assert.rejects(
    bucket.get('x', { maxBytes: 100 }),
    missing(/took longer than 6 s \(.*helper has not ended: waiting for the vault\)/),
  );
  const [parent, child] = (await readFile(pids, 'utf8')).split(' ').map(Number);
  await waitUntil(() => !isAlive(parent) && !isAlive(child));
  await writeFile(works, '');
  assert.equal((await bucket.get('x', { maxBytes: 100 })).kind, 'object');
});

test('a helper that leaves a process running is not waited for', async (lab) => {
  const pid = join(lab.directory, 'pid');
  const helper = await lab.program(`sleep 1000 & echo "$!" >'${pid}'; echo '${JSON_KEYS}'`);
  await lab.config(`[default]\ncredential_process = ${helper}\n`);
  const content = await lab.read({ request_timeout: '60s' });
  // Throws when it no longer runs.
  process.kill(Number(await readFile(pid, 'utf8')), 'SIGKILL');
  assert.equal(content, 'content');
});

test('the time limit of a file of metadata does not hide the words of a helper', async (lab) => {
  const helper = await lab.program('echo sealed >&2; exit 3');
  await lab.config(`[default]\ncredential_process = ${helper}\n`);
  const asked = getFile(bucketSource(lab.open(), 'tree'), 'x', { maxBytes: 9, timeoutMs: 1 });
  await assert.rejects(asked, missing(/helper ended with exit code 3: sealed/));
});

test('a helper that is asked by a profile that it serves as a source', async (lab) => {
  const sts = await serve((_, response) => {
    response
      .writeHead(403, { 'content-type': 'text/xml' })
      .end(
        `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User: arn:aws:iam::1:user/ann is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/fleet</Message></Error></ErrorResponse>`,
      );
  });
  const helper = await lab.program(`echo '${JSON_KEYS}'`);
  await lab.config(
    `[profile base]\ncredential_process = ${helper}\n[profile fleet]\nrole_arn = arn:aws:iam::1:role/fleet\nsource_profile = base\nregion = us-east-1\n`,
  );
  process.env['AWS_ENDPOINT_URL_STS'] = sts;
  const refused = missing(/AccessDenied: .*not authorized to perform: sts:AssumeRole on/);
  await assert.rejects(lab.read({ profile: 'fleet' }), refused);
});

test('a profile that does not exist is named, with those that do', async (lab) => {
  await lab.config('[profile fleet]\nregion = us-east-1\n[sso-session corp]\nsso_region = x\n');
  const absent = missing(/no profile flete in .*, found fleet$/);
  await assert.rejects(lab.read({ profile: 'flete' }), absent);
  process.env['AWS_PROFILE'] = 'flete';
  await assert.rejects(lab.read(), absent);
  await lab.config('');
  await assert.rejects(lab.read(), missing(/no profile flete in .*, found none/));
});

test('megabytes on stderr do not matter when the helper has keys', async (lab) => {
  const helper = await lab.program(`yes | head -c 2000000 >&2; echo '${JSON_KEYS}'`);
  await lab.config(`[default]\ncredential_process = ${helper}\n`);
  assert.equal(await lab.read(), 'content');
});

test('what a profile names and the files do not have is named', async (lab) => {
  await lab.config(`[default]
role_arn = arn:aws:iam::123456789012:role/fleet
source_profile = gone
[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = fleet
`);
  await assert.rejects(lab.read(), missing(/\[gone\]/));
  await assert.rejects(lab.read({ profile: 'sso' }), missing(/\[sso-session corp\]/));
});

test('a profile that appears later is found', async (lab) => {
  const bucket = lab.open({ profile: 'fleet' });
  await assert.rejects(bucket.get('x', { maxBytes: 100 }), missing(/no profile fleet/));
  await lab.config('[profile fleet]\naws_access_key_id = ADMIN\naws_secret_access_key = secret\n');
  assert.equal((await bucket.get('x', { maxBytes: 100 })).kind, 'object');
});

test('nothing is configured', async (lab) => {
  await assert.rejects(lab.read(), missing(/Could not load credentials from any providers/));
});

for (const [variable, path] of [
  ['AWS_EC2_METADATA_SERVICE_ENDPOINT', '/latest/meta-data/iam/security-credentials/'],
  ['AWS_CONTAINER_CREDENTIALS_FULL_URI', '/role'],
] as const) {
  test(`${variable}: what it answered is in the message`, async (lab) => {
    const server = await serve(({ url = '' }, response) => {
      response.writeHead(url.endsWith('/api/token') ? 200 : 404).end('no role');
    });
    delete process.env['AWS_EC2_METADATA_DISABLED'];
    process.env[variable] = path === '/role' ? `${server}/role?token=t-o-k-e-n` : server;
    await assert.rejects(lab.read(), missing(new RegExp(`\\(${server}${path} answered 404\\)$`)));
    const nobody = 'http://127.0.0.1:1';
    process.env[variable] = path === '/role' ? `${nobody}/role` : nobody;
    const words = new RegExp(`\\(${nobody}${path} cannot be reached: ECONNREFUSED\\)$`);
    await assert.rejects(lab.read(), missing(words));
  });
}

test('the instance role is asked directly, whatever proxy is set', async (lab) => {
  const asked: string[] = [];
  const imds = await serve(({ url = '', method }, response) => {
    asked.push(`${method} ${url}`);
    const Expiration = new Date(Date.now() + 3_600_000).toISOString();
    const Token = 'token';
    const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey } = keys;
    const role = { Code: 'Success', AccessKeyId, SecretAccessKey, Token, Expiration };
    if (url.endsWith('/api/token')) response.end(Token);
    else if (url.endsWith('/security-credentials/')) response.end('fleet-role');
    else response.end(JSON.stringify(role));
  });
  delete process.env['AWS_EC2_METADATA_DISABLED'];
  process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] = imds;
  await using proxy = await startForwardProxy();
  Object.assign(process.env, { HTTP_PROXY: proxy.url, HTTPS_PROXY: proxy.url });
  assert.equal(await lab.read(), 'content');
  assert.ok(asked.length >= 2);
  assert.deepEqual(
    proxy.asked.filter((line) => !line.includes('/fleet/x')),
    [],
  );
});

/** A server in place of a service of AWS, on 127.0.0.1. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  server.unref();
  await promise;
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function isAlive(pid: number | undefined): boolean {
  try {
    process.kill(pid ?? 0, 0);
    return true;
  } catch {
    return false;
  }
}
