import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, afterEach, before, test as testOnce } from 'node:test';
import type { Bucket } from '../../../bucket/bucket.ts';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import { rejectsWith, text } from '../../support/s3/assert.ts';
import { type OpenClient, S3_CLIENTS } from '../../support/s3/clients.ts';
import { adminPolicy } from '../../support/s3/policy.ts';
import { useProfiles } from '../../support/s3/profiles.ts';
import { type S3Server, startS3Server } from '../../support/s3/server.ts';

const KEY = 'ubuntu/manifests/x';
const BODY = Buffer.alloc(1024 * 1024, 'x');
const credentials = { accessKeyId: 'ADMIN', secretAccessKey: 'secret' };
/**
 * Far longer than any of these tests takes: where it counts, it is the silence that ends the
 * request, or the signal.
 */
const PATIENT = { request_timeout: '10m' };

/**
 * A time limit that a test waits for. The attempts are for a machine under load, where an answer
 * may take longer than that.
 */
const IMPATIENT = { request_timeout: 1, max_attempts: 20 };

let server: S3Server;
let profiles: AsyncDisposable;
let opened: Bucket[] = [];
/** The lab of the current test. */
let openClient: OpenClient;

before(async () => {
  profiles = await useProfiles({ default: credentials });
  server = await startS3Server({
    users: [{ ...credentials, policy: adminPolicy }],
    buckets: ['fleet'],
  });
  server.put('fleet', KEY, BODY);
});

afterEach(() => {
  for (const bucket of opened) bucket.close();
  opened = [];
  server.faults.clear();
  server.requests.length = 0;
  server.dateOffsetMs = 0;
});

after(async () => {
  await server.close();
  await profiles[Symbol.asyncDispose]();
});

function open(settings: object = {}): Bucket {
  const { endpoint, region } = server;
  const bucket = openClient('fleet', S3Settings.parse({ endpoint, region, ...settings }));
  opened.push(bucket);
  return bucket;
}

const get = (bucket: Bucket) => bucket.get(KEY, { maxBytes: BODY.length });

/** Each test runs with both clients. */
function test(claim: string, body: () => Promise<void>): void {
  for (const [client, open] of Object.entries(S3_CLIENTS)) {
    testOnce(`${client}: ${claim}`, { timeout: 300_000 }, async () => {
      openClient = open;
      await body();
    });
  }
}

test('503 SlowDown, then success: the request is repeated', async () => {
  server.faults.add({ kind: 'status', times: 2 });
  assert.equal((await get(open())).kind, 'object');
  assert.deepEqual(statuses(), [503, 503, 200]);
});

test('503 SlowDown on every attempt: a specific code after max_attempts', async () => {
  server.faults.add({ kind: 'status' });
  await rejectsWith('S3_SLOW_DOWN', get(open({ max_attempts: 2 })));
  assert.deepEqual(statuses(), [503, 503]);
});

test('the client waits as long as Retry-After says', async () => {
  server.faults.add({ kind: 'status', times: 1, retryAfterSeconds: 2 });
  const start = process.hrtime.bigint();
  await get(open());
  const elapsedMs = Number(process.hrtime.bigint() - start) / 1e6;
  assert.ok(elapsedMs >= 1990, `${elapsedMs} ms`);
});

test('connection reset, then success: the request is repeated', async () => {
  server.faults.add({ kind: 'reset', times: 2 });
  assert.equal((await get(open())).kind, 'object');
  assert.equal(server.requests.length, 3);
});

test('connection reset on every attempt', async () => {
  server.faults.add({ kind: 'reset' });
  await rejectsWith('S3_UNREACHABLE', get(open()));
});

test('no server listens', async () => {
  const gone = await startS3Server({ users: [], buckets: [] });
  const { endpoint } = gone;
  await gone.close();
  await rejectsWith('S3_UNREACHABLE', get(open({ endpoint, max_attempts: 1 })));
});

test('a create-only write whose answer was lost looks like a lost race: the caller must compare', async () => {
  server.faults.add({ kind: 'reset-after', times: 1 });
  const bucket = open();
  await assert.rejects(bucket.put('ubuntu/new', Buffer.from('mine'), { createOnly: true }), {
    code: 'S3_PRECONDITION_FAILED',
    details: {
      bucket: 'fleet',
      key: 'ubuntu/new',
      s3: 'PreconditionFailed',
      status: 412,
      attempts: 2,
    },
  });
  assert.equal(await text(bucket, 'ubuntu/new'), 'mine');
});

test('a body that is cut off is an error, not a short object', async () => {
  server.faults.add({ kind: 'cut-body' });
  await rejectsWith('S3_UNREACHABLE', get(open()));
});

test('a stream that is cut off is an error, not a short object', async () => {
  server.faults.add({ kind: 'cut-body' });
  const { body, length } = await open().open(KEY);
  assert.equal(length, BODY.length);
  await rejectsWith('S3_UNREACHABLE', drain(body));
});

test('too large by its announced length: no byte of the body is read', async () => {
  server.faults.add({ kind: 'hang-body' });
  await rejectsWith('S3_TOO_LARGE', open(PATIENT).get(KEY, { maxBytes: BODY.length - 1 }));
});

test('an endless body ends at the limit', async () => {
  server.faults.add({ kind: 'endless-body' });
  await rejectsWith('S3_TOO_LARGE', get(open(PATIENT)));
});

test('an endless body of an error ends at a limit, and the status counts', async () => {
  server.faults.add({ kind: 'endless-body' });
  await rejectsWith('S3_NOT_FOUND', open(PATIENT).get('ubuntu/nothing', { maxBytes: 10 }));
});

test('an endless body after an upload ends at a limit, and the object is there', async () => {
  server.faults.add({ kind: 'endless-body', match: { method: 'PUT' } });
  const bucket = open(PATIENT);
  const { etag } = await bucket.put('ubuntu/new', Buffer.from('mine'));
  assert.notEqual(etag, undefined);
  assert.equal(await text(bucket, 'ubuntu/new'), 'mine');
});

test('a server that never answers: the timeout ends each attempt', async () => {
  server.faults.add({ kind: 'hang' });
  await rejectsWith('S3_UNREACHABLE', get(open({ request_timeout: 1, max_attempts: 2 })));
  assert.deepEqual(statuses(), [0, 0]);
});

test('a server that never answers the first time only', async () => {
  server.faults.add({ kind: 'hang', times: 1 });
  assert.equal((await get(open(IMPATIENT))).kind, 'object');
  assert.deepEqual([statuses()[0], statuses().at(-1)], [0, 200]);
});

test('a body that stalls', async () => {
  server.faults.add({ kind: 'hang-body' });
  await rejectsWith('S3_UNREACHABLE', get(open({ request_timeout: 1 })));
});

test('a stream that stalls', async () => {
  server.faults.add({ kind: 'hang-body' });
  const { body } = await open(IMPATIENT).open(KEY);
  await rejectsWith('S3_UNREACHABLE', drain(body));
});

test('a slow body: the time limit is for the whole body', async () => {
  server.faults.add({ kind: 'trickle-body', everyMs: 5 });
  const bucket = open(PATIENT);
  await rejectsWith('S3_UNREACHABLE', bucket.get(KEY, { maxBytes: BODY.length, timeoutMs: 300 }));
});

test('an upload without an answer', async () => {
  server.faults.add({ kind: 'hang' });
  const put = open(PATIENT).put('ubuntu/y', Buffer.from('x'), { timeoutMs: 100 });
  await rejectsWith('S3_UNREACHABLE', put);
});

test('abort: each request rejects with the reason of the signal', async () => {
  server.faults.add({ kind: 'hang' });
  const bucket = open(PATIENT);
  const attempts = {
    get: (signal: AbortSignal) => bucket.get(KEY, { maxBytes: 1, signal }),
    open: (signal: AbortSignal) => bucket.open(KEY, { signal }),
    put: (signal: AbortSignal) => bucket.put('y', Buffer.from('x'), { signal }),
    list: (signal: AbortSignal) => bucket.list('', { signal })[Symbol.asyncIterator]().next(),
  };
  for (const [name, attempt] of Object.entries(attempts)) {
    const stop = new AbortController();
    const reason = new Error(`stopped: ${name}`);
    const running = assert.rejects(attempt(stop.signal), (error) => error === reason);
    await arrived(1);
    server.requests.length = 0;
    stop.abort(reason);
    await running;
  }
});

test('abort in the middle of a stream', async () => {
  server.faults.add({ kind: 'hang-body' });
  const stop = new AbortController();
  const reason = new Error('stopped');
  const { body } = await open(PATIENT).open(KEY, { signal: stop.signal });
  await once(body, 'readable');
  const drained = assert.rejects(drain(body), (error) => error === reason);
  stop.abort(reason);
  await drained;
});

test('a clock that is 20 minutes off is corrected after the first refusal', async () => {
  server.dateOffsetMs = 20 * 60_000;
  const got = await get(open());
  assert.deepEqual(statuses(), [403, 200]);
  assert.ok(got.serverDate !== undefined);
  assert.ok(Math.abs(got.serverDate - Date.now() - server.dateOffsetMs) < 60_000);
});

test('a clock that is 20 minutes off, without a second attempt', async () => {
  server.dateOffsetMs = -20 * 60_000;
  await rejectsWith('S3_CLOCK_SKEWED', get(open({ max_attempts: 1 })));
});

test('the error for a wrong region names the right one', async () => {
  await assert.rejects(get(open({ region: 'eu-central-1' })), {
    code: 'S3_REGION_WRONG',
    next: /us-east-1/,
  });
});

test('no region is configured anywhere', async () => {
  await rejectsWith('S3_REGION_WRONG', get(open({ region: undefined })));
});

test('an idle poll is one request of less than 1 kB each way', async () => {
  const bucket = open();
  const got = await get(bucket);
  assert.equal(got.kind, 'object');
  server.requests.length = 0;
  await bucket.get(KEY, { maxBytes: 1, ifNoneMatch: got.etag });
  const [request, ...more] = server.requests;
  assert.equal(more.length, 0);
  assert.equal(request?.status, 304);
  assert.ok(request.requestBytes > 0 && request.requestBytes < 1024);
  assert.ok(request.responseBytes > 0 && request.responseBytes < 1024);
});

test('a stream that breaks before it is read: the reader gets the error, and the process continues', async () => {
  server.faults.add({ kind: 'cut-body' });
  const { body } = await open().open(KEY);
  // Reads what has arrived, to reach the end; meanwhile there is no error listener.
  body.resume();
  await new Promise((resolve) => body.once('close', resolve));
  await rejectsWith('S3_UNREACHABLE', drain(body));
});

test('an idle connection is closed by the client after request_timeout', async () => {
  const bucket = open(IMPATIENT);
  await get(bucket);
  // The server itself would wait longer.
  await server.idle();
});

function statuses(): readonly number[] {
  return server.requests.map(({ status }) => status);
}

async function drain(body: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of body);
}

/** Resolves when that many requests have arrived. */
async function arrived(count: number): Promise<void> {
  while (server.requests.length < count) await new Promise((resolve) => setImmediate(resolve));
}
