import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { HostState } from '../../../agent/core/state.ts';
import { sendStatus } from '../../../agent/steps/send-status.ts';
import { openHostBucket } from '../../../bucket/s3/host/host-bucket.ts';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { fakeLog } from '../../support/fake-log.ts';
import { adminPolicy, machinePolicy } from '../../support/s3/policy.ts';
import { startS3Server } from '../../support/s3/server.ts';
import { sampleStatus } from '../../support/status-sample.ts';

const BUCKET = 'fleet';
const KEY = 'ubuntu/status/hosts/web1.example.com.json';
const USERS = {
  /** May read its status, which AWS wants for a condition. */
  reads: [...adminPolicy],
  writes: [...machinePolicy({ bucket: BUCKET, tree: 'ubuntu' })],
};
const DAY_MS = 86_400_000;

async function openLab(t: TestContext, may: keyof typeof USERS = 'reads') {
  const server = await startS3Server({
    users: [{ accessKeyId: 'HOST', secretAccessKey: 'secret', policy: USERS[may] }],
    buckets: [BUCKET],
  });
  t.after(() => server.close());
  const clock = new FakeClock(Date.parse('2026-11-23T10:00:00Z'));
  const { endpoint, region } = server;
  let count = 0;
  return {
    server,
    clock,
    /** A machine with this certname, and what it remembers of its last upload. */
    async machine(hostId: string) {
      const log = fakeLog();
      const keys = { AWS_ACCESS_KEY_ID: 'HOST', AWS_SECRET_ACCESS_KEY: 'secret' };
      const bucket = await openHostBucket(
        BUCKET,
        S3Settings.parse({ endpoint, region, max_attempts: 2 }),
        { HOME: '/nowhere', ...keys },
      );
      t.after(() => bucket.close());
      let state: Pick<HostState, 'status' | 'uploaded'> = { status: null, uploaded: null };
      return {
        log,
        state: () => state,
        /** After a kill in the middle of an upload, as `report` leaves it. */
        forgetEtag() {
          if (state.uploaded !== null)
            state = { ...state, uploaded: { ...state.uploaded, etag: null } };
        },
        async send() {
          const { otherWriter } = state.status ?? {};
          const groups = [String(count++)];
          const status = { ...sampleStatus, hostId, groups, ...(otherWriter && { otherWriter }) };
          state = await sendStatus({ bucket, clock, log }, status, state.uploaded);
          return state.status?.otherWriter?.times;
        },
        warnings: () => log.lines.filter(({ event }) => event === 'status.other-writer').length,
      };
    },
    stored: () => JSON.parse(String(server.get(BUCKET, KEY))) as typeof sampleStatus,
    statuses: () => server.requests.splice(0).map(({ method, status }) => `${method} ${status}`),
  };
}

test('other machine: one machine sends one request for each status, and sees no other', async (t) => {
  const lab = await openLab(t);
  const host = await lab.machine('a');
  for (const _ of [1, 2, 3]) assert.equal(await host.send(), undefined);
  assert.deepEqual(lab.statuses(), ['PUT 200', 'PUT 200', 'PUT 200']);
  assert.equal(host.warnings(), 0);
});

test('other machine: two machines with one certname both report it, and no status is lost', async (t) => {
  const lab = await openLab(t);
  const [a, b] = [await lab.machine('a'), await lab.machine('b')];
  assert.equal(await a.send(), undefined);
  assert.equal(await b.send(), undefined);
  assert.equal(await a.send(), 1);
  assert.deepEqual([lab.stored().hostId, lab.stored().otherWriter?.times], ['a', 1]);
  assert.equal(await b.send(), 1);
  assert.deepEqual([lab.stored().hostId, lab.stored().otherWriter?.times], ['b', 1]);
  assert.equal(await a.send(), 2);
  assert.deepEqual([a.warnings(), b.warnings()], [2, 1]);
});

test('other machine: an own write whose answer was lost is not another machine', async (t) => {
  const lab = await openLab(t);
  const host = await lab.machine('a');
  await host.send();
  lab.server.faults.add({ kind: 'reset-after', match: { method: 'PUT' }, times: 1 });
  assert.equal(await host.send(), undefined);
  assert.equal(await host.send(), undefined);
  assert.equal(host.warnings(), 0);
  assert.equal(lab.stored().groups[0], '2');
});

test('other machine: a write that was interrupted is not another machine', async (t) => {
  const lab = await openLab(t);
  const host = await lab.machine('a');
  await host.send();
  const before = host.state();
  await host.send();
  assert.notDeepEqual(host.state(), before);
  host.forgetEtag();
  assert.equal(await host.send(), undefined);
  assert.equal(host.warnings(), 0);
});

test('other machine: a status that was removed is not another machine', async (t) => {
  const lab = await openLab(t);
  const host = await lab.machine('a');
  await host.send();
  lab.server.delete(BUCKET, KEY);
  assert.equal(await host.send(), undefined);
  assert.equal(lab.stored().groups[0], '1');
});

for (const [name, may, fault] of [
  ['a host that may not read its status', 'writes', undefined],
  ['a store without conditions', 'reads', { status: 501, code: 'NotImplemented' }],
] as const) {
  test(`other machine: ${name} sends one request more in 30 days`, async (t) => {
    const lab = await openLab(t, may);
    const host = await lab.machine('a');
    await host.send();
    if (fault) lab.server.faults.add({ kind: 'status', ...fault, times: 1 });
    await host.send();
    assert.equal(lab.statuses().length, 3);
    assert.equal(lab.stored().groups[0], '1');
    lab.clock.advance(29 * DAY_MS);
    for (const _ of [1, 2]) await host.send();
    assert.deepEqual(lab.statuses(), ['PUT 200', 'PUT 200']);
    lab.clock.advance(2 * DAY_MS);
    await host.send();
    await host.send();
    assert.equal(lab.statuses().length, may === 'writes' ? 3 : 2);
    assert.equal(host.warnings(), 0);
  });
}

test('other machine: a bucket that cannot be reached is an error, and nothing is sent twice', async (t) => {
  const lab = await openLab(t);
  const host = await lab.machine('a');
  await host.send();
  lab.statuses();
  lab.server.faults.add({ kind: 'status' });
  await assert.rejects(host.send(), { code: 'S3_SLOW_DOWN' });
  assert.deepEqual(lab.statuses(), ['PUT 503', 'PUT 503']);
});
