import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { PollResult } from '../../../agent/core/poll-result.ts';
import { NO_STATE } from '../../../agent/core/state.ts';
import { meaningfulDigest } from '../../../agent/core/status/status.ts';
import { poll } from '../../../agent/steps/poll.ts';
import { metadataKey } from '../../../bucket/layout.ts';
import { openHostBucket } from '../../../bucket/s3/host/host-bucket.ts';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { fakeLog } from '../../support/fake-log.ts';
import { adminPolicy } from '../../support/s3/policy.ts';
import { startS3Server } from '../../support/s3/server.ts';
import { sampleStatus } from '../../support/status-sample.ts';

const EXPIRY = '2026-04-01T12:00:00Z';
const USER = { accessKeyId: 'HOST', secretAccessKey: 'secret' };
const ENV = { AWS_ACCESS_KEY_ID: USER.accessKeyId, AWS_SECRET_ACCESS_KEY: USER.secretAccessKey };

/**
 * A daemon that has seen the present timestamp.json polls at a time. Returns the HTTP status: 304
 * needs a condition.
 */
async function statusAt(t: TestContext, time: string, environment = 'stable') {
  const server = await startS3Server({
    users: [{ ...USER, policy: adminPolicy }],
    buckets: ['fleet'],
  });
  t.after(() => server.close());
  server.put('fleet', metadataKey('ubuntu', 'timestamp.json'), '{}');
  const { endpoint, region } = server;
  const bucket = await openHostBucket('fleet', S3Settings.parse({ endpoint, region }), ENV);
  t.after(() => bucket.close());
  const seen = await bucket.get(metadataKey('ubuntu', 'timestamp.json'), { maxBytes: 100 });
  assert.ok(seen.kind === 'object' && seen.etag !== undefined);
  const etag = { environment, value: seen.etag };
  const place = { tree: 'ubuntu', environment: 'stable', heartbeatSeconds: 3600 };
  const host = { bucket, clock: new FakeClock(Date.parse(time)), log: fakeLog() };
  const state = { ...NO_STATE, earliestExpiry: EXPIRY, etag };
  const result = await poll({ ...place, ...host, state }, new AbortController().signal);
  return { status: server.requests.at(-1)?.status, result };
}

/** When the last status was sent, and what a poll does when S3 asks to slow down. */
const slowDowns: Record<string, { sentAt: string | null; want: PollResult['kind'] }> = {
  'a status was sent just now': { sentAt: '2026-11-23T10:29:00.000Z', want: 'failed' },
  'a status is due in any case': { sentAt: '2026-11-23T09:00:00.000Z', want: 'cycle' },
  'no status was sent yet': { sentAt: null, want: 'cycle' },
};
test('poll: when S3 asks to slow down, only a status that is due causes more requests', async (t) => {
  const server = await startS3Server({
    users: [{ ...USER, policy: adminPolicy }],
    buckets: ['fleet'],
  });
  t.after(() => server.close());
  server.faults.add({ kind: 'status', retryAfterSeconds: 120 });
  const { endpoint, region } = server;
  const settings = S3Settings.parse({ endpoint, region, max_attempts: 1 });
  const bucket = await openHostBucket('fleet', settings, ENV);
  t.after(() => bucket.close());
  const clock = new FakeClock(Date.parse('2026-11-23T10:30:00.000Z'));
  const place = { tree: 'ubuntu', environment: 'stable', heartbeatSeconds: 3600 };
  for (const [name, { sentAt, want }] of Object.entries(slowDowns)) {
    const digest = meaningfulDigest(sampleStatus);
    const uploaded = sentAt === null ? null : { at: sentAt, digest };
    const lastRunRelease = sampleStatus.release?.sha256 ?? null;
    const state = { ...NO_STATE, status: sampleStatus, lastRunRelease, uploaded };
    const host = { bucket, clock, log: fakeLog(), state };
    const result = await poll({ ...place, ...host }, new AbortController().signal);
    assert.equal(result.kind, want, name);
    assert.equal('retryAfterMs' in result && result.retryAfterMs, 120_000, name);
  }
  assert.equal(server.requests.length, Object.keys(slowDowns).length);
});

/** A run was deferred an hour ago. In the order: who asks what, and what a poll returns. */
const deferrals: Record<string, { until: string; holds: boolean; sentAt?: string; kind: string }> =
  {
    'the condition still holds': { until: '2026-11-23T12:00:00.000Z', holds: true, kind: 'idle' },
    'it has ended': { until: '2026-11-23T12:00:00.000Z', holds: false, kind: 'cycle' },
    'the limit has passed': { until: '2026-11-23T10:30:00.000Z', holds: true, kind: 'cycle' },
    'a status is due': {
      until: '2026-11-23T12:00:00.000Z',
      holds: true,
      sentAt: '2026-11-23T09:00:00.000Z',
      kind: 'cycle',
    },
  };
test('poll: while a run is deferred, newer metadata starts no cycle', async () => {
  const digest = meaningfulDigest(sampleStatus);
  for (const [name, { until, holds, sentAt, kind }] of Object.entries(deferrals)) {
    const result = await poll(
      {
        bucket: {
          get: async () => ({
            kind: 'object' as const,
            bytes: Buffer.from('{}'),
            etag: undefined,
            serverDate: undefined,
          }),
        },
        clock: new FakeClock(Date.parse('2026-11-23T10:30:00.000Z')),
        log: fakeLog(),
        state: {
          ...NO_STATE,
          status: sampleStatus,
          uploaded: { at: sentAt ?? '2026-11-23T10:29:00.000Z', digest },
          deferred: { since: '2026-11-23T09:30:00.000Z', until, why: 'on battery power' },
        },
        tree: 'ubuntu',
        environment: 'stable',
        heartbeatSeconds: 3600,
        findCondition: async () => (holds ? 'battery' : undefined),
      },
      new AbortController().signal,
    );
    assert.equal(result.kind, kind, name);
  }
});

test('row 10: the daemon polls with a condition while its metadata is valid', async (t) => {
  const { status } = await statusAt(t, '2026-04-01T11:59:59Z');
  assert.equal(status, 304);
});

test('row 10: the daemon polls without a condition when its metadata has expired', async (t) => {
  for (const time of [EXPIRY, '2027-01-01T00:00:00Z']) {
    const { status, result } = await statusAt(t, time);
    assert.equal(status, 200, time);
    // A host that already has this answer must not get a new cycle at every poll.
    assert.notEqual(result.kind === 'cycle' && result.why, 'the bucket has newer metadata', time);
  }
});

test('row 10: the daemon polls without the condition of another environment', async (t) => {
  const { status, result } = await statusAt(t, '2026-04-01T11:59:59Z', 'testing');
  assert.equal(status, 200);
  assert.equal(result.kind, 'cycle');
});
