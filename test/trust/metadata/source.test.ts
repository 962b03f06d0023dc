import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import type { Bucket } from '../../../bucket/bucket.ts';
import { metadataKey } from '../../../bucket/layout.ts';
import { openBucket } from '../../../bucket/s3/sdk/sdk-bucket.ts';
import { S3Settings } from '../../../bucket/s3/settings.ts';
import { bucketSource } from '../../../trust/metadata/source.ts';
import { adminPolicy, machinePolicy } from '../../support/s3/policy.ts';
import { useProfiles } from '../../support/s3/profiles.ts';
import { type S3Server, startS3Server } from '../../support/s3/server.ts';
import { TufSimulator } from '../../support/tuf/simulator.ts';
import { SimulatedHost } from '../../support/tuf/simulator-host.ts';

const BUCKET = 'fleet';
const TREE = 'ubuntu';
const admin = { accessKeyId: 'ADMIN', secretAccessKey: 'secret' };
const machine = { accessKeyId: 'MACHINE', secretAccessKey: 'secret' };

let server: S3Server;
let profiles: AsyncDisposable;
let opened: Bucket[] = [];

before(async () => {
  profiles = await useProfiles({ default: machine, admin });
  server = await startS3Server({
    users: [
      { ...admin, policy: adminPolicy },
      { ...machine, policy: machinePolicy({ bucket: BUCKET, tree: TREE }) },
    ],
    buckets: [BUCKET],
  });
});

afterEach(() => {
  for (const bucket of opened) bucket.close();
  opened = [];
  server.faults.clear();
});

after(async () => {
  await server.close();
  await profiles[Symbol.asyncDispose]();
});

async function open(settings: object = {}): Promise<Bucket> {
  const { endpoint, region } = server;
  const bucket = await openBucket(
    BUCKET,
    S3Settings.parse({ endpoint, region, max_attempts: 1, ...settings }),
  );
  opened.push(bucket);
  return bucket;
}

/** A repository in the bucket, and a host that asks for it over HTTP with a machine's rights. */
async function overHttp() {
  const repository = new TufSimulator();
  repository.publish('stable', '1.0.0');
  await repository.copyTo(await open({ profile: 'admin' }), TREE);
  const host = await SimulatedHost.create(repository);
  const source = bucketSource(await open(), TREE);
  await host.refresh({ source });
  server.requests.length = 0;
  return { repository, host, source };
}

test('over HTTP an idle poll is one request and less than 1 kB of answer', async () => {
  const { host, source } = await overHttp();
  await using _ = host;
  assert.equal((await host.refresh({ source })).kind, 'unchanged');
  const answers = server.requests.map(({ key, status }) => `${status} ${key}`);
  assert.deepEqual(answers, [`304 ${metadataKey(TREE, 'timestamp.json')}`]);
  assert.ok((server.requests[0]?.responseBytes ?? 9999) < 1000);
});

test('over HTTP without the right to list, a missing root is no newer root', async () => {
  const { repository, host, source } = await overHttp();
  await using _ = host;
  repository.publish('stable', '1.1.0');
  await repository.copyTo(await open({ profile: 'admin' }), TREE);
  const { trusted, serverDate } = await host.refresh({ source });
  assert.equal(trusted.environments.get('stable')?.current?.custom.version, '1.1.0');
  assert.ok(Math.abs((serverDate ?? 0) - Date.now()) < 600_000);
  const probe = server.requests.find(({ key }) => key === metadataKey(TREE, '2.root.json'));
  assert.equal(probe?.status, 403);
});

const BODIES = {
  'never ends': { fault: { kind: 'endless-body' }, timeoutMs: 30_000, code: 'S3_TOO_LARGE' },
  'comes byte by byte': {
    fault: { kind: 'trickle-body', everyMs: 20 },
    timeoutMs: 1_000,
    code: 'S3_UNREACHABLE',
  },
} as const;
for (const [name, { fault, timeoutMs, code }] of Object.entries(BODIES)) {
  for (const file of ['timestamp.json', '2.root.json', '3.snapshot.json', '3.env-stable.json']) {
    test(`13 over HTTP ${file} ${name}`, async () => {
      const { repository, host, source } = await overHttp();
      await using _ = host;
      repository.publish('stable', '1.1.0');
      await repository.copyTo(await open({ profile: 'admin' }), TREE);
      const key = metadataKey(TREE, file);
      if (file === '2.root.json') server.put(BUCKET, key, '{"signed":{}}');
      const before = await host.onDisk();
      server.faults.add({ ...fault, match: { key } });
      await assert.rejects(host.refresh({ source, timeoutMs }), { code });
      assert.deepEqual(await host.onDisk(), before);
      server.delete(BUCKET, metadataKey(TREE, '2.root.json'));
    });
  }
}
