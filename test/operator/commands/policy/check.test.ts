import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { metadataKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { PolicyCheckAnswer } from '../../../../operator/bucket-answers.ts';
import { runMm } from '../../../support/run-mm.ts';
import {
  adminPolicy,
  cleanerPolicy,
  machinePolicy,
  readerPolicy,
} from '../../../support/s3/policy.ts';
import { useProfiles } from '../../../support/s3/profiles.ts';
import { type S3ServerOptions, startS3Server } from '../../../support/s3/server.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { withEnvironment } from '../../../support/with-environment.ts';

const BUCKET = 'fleet';
const HOST = 'web1.example.com';
const STATUS = `ubuntu/status/hosts/${HOST}.json`;
const ADMIN = { accessKeyId: 'ADMIN', secretAccessKey: 'secret' };
const MACHINE = { accessKeyId: 'MACHINE', secretAccessKey: 'machine-secret' };

let profiles: AsyncDisposable;
before(async () => {
  profiles = await useProfiles({ default: ADMIN, machine: MACHINE });
});
after(() => profiles[Symbol.asyncDispose]());

async function openLab(t: TestContext, options: Partial<S3ServerOptions> = {}) {
  const policy = machinePolicy({ bucket: BUCKET, tree: 'ubuntu' });
  const users = [
    { ...ADMIN, policy: adminPolicy },
    { ...MACHINE, policy },
  ];
  const server = await startS3Server({ users, buckets: [BUCKET], ...options });
  t.after(() => server.close());
  server.put(BUCKET, STATUS, 'the status');
  const cwd = await temporaryDirectory(t);
  const place = ['--bucket', BUCKET, '--tree', 'ubuntu', '--endpoint', server.endpoint];
  const check = async (...args: string[]) =>
    await runMm(cwd, ['policy', 'check', ...args, ...place, '--region', 'us-east-1', '--json']);
  return { server, check };
}

test('policy check: a bucket with versions gets no version and no delete marker', async (t) => {
  for (const ignoredHeaders of [[], ['if-match']]) {
    const { server, check } = await openLab(t, { ignoredHeaders });
    server.putSetting(BUCKET, 'versioning', '<Status>Enabled</Status>');
    const { stdout, exitCode } = await check('machine');
    assert.equal(exitCode, 1);
    const { checks } = PolicyCheckAnswer.parse(JSON.parse(stdout));
    assert.equal(checks.filter(({ outcome }) => outcome === 'wrong').length, 17);
    assert.deepEqual(server.versions(BUCKET), []);
    assert.deepEqual(server.keys(BUCKET), [STATUS]);
  }
});

test('policy check: a store that ignores every condition never gets the status of a real host', async (t) => {
  const ignoredHeaders = ['if-match', 'if-none-match', 'content-md5'];
  const { server, check } = await openLab(t, { ignoredHeaders });
  const admin = await check('machine', '--certname', HOST);
  const rows = PolicyCheckAnswer.parse(JSON.parse(admin.stdout)).checks;
  assert.ok(rows.every(({ left }) => left === null));
  assert.deepEqual(server.keys(BUCKET), [STATUS], 'removed again');
  const machine = await withEnvironment({ AWS_PROFILE: 'machine' }, () =>
    check('machine', '--certname', HOST),
  );
  const { checks } = PolicyCheckAnswer.parse(JSON.parse(machine.stdout));
  const [left, ...more] = checks.filter((row) => row.left !== null);
  assert.deepEqual(more, []);
  assert.match(left?.left ?? '', /ubuntu\/status\/hosts\/policy-check-/);
  assert.equal(server.get(BUCKET, STATUS)?.toString(), 'the status');
});

test('policy check: what a cleaner lacks is named by the policy that has it', async (t) => {
  const place = { bucket: BUCKET, tree: 'ubuntu' };
  const users = [{ ...ADMIN, policy: [...cleanerPolicy(place), ...readerPolicy(place)] }];
  const { server, check } = await openLab(t, { users });
  server.put(BUCKET, metadataKey('ubuntu', 'timestamp.json'), '{}');
  const asReader = await check('cleaner', '--beside', 'reader');
  assert.deepEqual([asReader.exitCode, JSON.parse(asReader.stdout).beside], [0, 'reader']);
  const { checks } = PolicyCheckAnswer.parse(JSON.parse((await check('cleaner')).stdout));
  const next = new Map(checks.map((row) => [row.name, row.next ?? '']));
  assert.match(next.get('write metadata') ?? '', /as mm policy cleaner --beside publisher prints/);
  assert.match(next.get('read status') ?? '', /mm policy cleaner --beside publisher prints what/);
});

const REFUSED = {
  'a kind of hosts for a publisher': ['publisher', '--ec2'],
  'a policy beside that of a reader': ['reader', '--beside', 'publisher'],
  'a certname with capitals': ['machine', '--certname', 'Web1'],
  'the same tree as the other one': ['reader', '--other-tree', 'ubuntu'],
} as const;

test('policy check: wrong usage and wrong credentials send no trial', async (t) => {
  const { server, check } = await openLab(t);
  for (const [name, args] of Object.entries(REFUSED)) {
    const { exitCode, stdout } = await check(...args);
    assert.equal(exitCode, 2, name);
    assert.equal(ErrorAnswer.parse(JSON.parse(stdout)).error.code, 'USAGE', name);
  }
  assert.equal((await check('root')).exitCode, 2);
  assert.deepEqual(server.requests, []);
  server.faults.add({ kind: 'status', status: 403, code: 'InvalidAccessKeyId' });
  const { stdout } = await check('machine');
  assert.equal(ErrorAnswer.parse(JSON.parse(stdout)).error.code, 'S3_CREDENTIALS_REJECTED');
});
