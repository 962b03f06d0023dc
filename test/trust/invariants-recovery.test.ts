import assert from 'node:assert/strict';
import { readFile, realpath, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readClockFloor } from '../../trust/kept/trust-directory.ts';
import { MAX_VERSION_STEP } from '../../trust/metadata/version-limits.ts';
import { TufSimulator } from '../support/tuf/simulator.ts';
import { DAY_MS } from '../support/tuf/simulator-documents.ts';
import { SimulatedHost } from '../support/tuf/simulator-host.ts';
import { newKey } from '../support/tuf/simulator-keys.ts';

const LOCAL_FILES = [
  ...['current/1.root.json', 'current/2.root.json', 'current/3.root.json'],
  ...['current/timestamp.json', 'current/snapshot.json', 'current/targets.json'],
  ...['current/env-stable.json', 'record.json'],
];
test('row 9: a damaged floor of the clock counts as 0, and the root floor beside it stays', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.rotated(repository);
  const path = join(host.directory, 'record.json');
  const record = JSON.parse(await readFile(path, 'utf8'));
  for (const clockFloor of [8.64e15 + 1, Number.MAX_SAFE_INTEGER, 1e308, -1, 0.5, 'NaN', null]) {
    await writeFile(path, JSON.stringify({ ...record, clockFloor, askedForRootAt: clockFloor }));
    assert.equal(readClockFloor(host.directory), 0, `${clockFloor}`);
    await host.refresh();
    const { rootVersion } = JSON.parse(await readFile(path, 'utf8'));
    assert.equal(rootVersion, 3, `${clockFloor}`);
  }
});

const GONE = ['is lost', 'is a file'] as const;
for (const [index, how] of GONE.entries()) {
  test(`I10 when the kept files are lost and older ones are left, no 304 leads back: ${how}`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    repository.publish('stable', '1.1.0');
    await host.refresh();
    const newest = await realpath(join(host.directory, 'current'));
    await rm(newest, { recursive: true });
    if (index === 1) await writeFile(newest, '');
    assert.equal(await host.stableVersion(), '1.1.0');
    // The link is repaired: the next poll has a condition again.
    repository.source.requests.length = 0;
    await host.refresh();
    assert.deepEqual(repository.source.requests, [
      { file: 'timestamp.json', answer: 'not-modified' },
    ]);
  });
}

for (const file of LOCAL_FILES) {
  for (const length of [0, 100]) {
    test(`I10 ${file} truncated to ${length}, attack 19, heals, and the root stays`, async () => {
      const repository = new TufSimulator();
      await using host = await SimulatedHost.rotated(repository);
      const before = await host.onDisk();
      await truncate(join(host.directory, file), length);
      const { trusted } = await host.refresh();
      assert.equal(trusted.versions['root'], 3);
      assert.equal(trusted.environments.get('stable')?.current?.custom.version, '1.0.0');
      assert.deepEqual((await host.onDisk()).files, before.files);
    });
  }
}

test('I10 a truncated root does not allow an older one', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.rotated(repository);
  const { keys } = repository;
  await truncate(join(host.directory, 'current/2.root.json'), 100);
  // The thief holds the first online key, revoked in root 2, and hides the roots since.
  const thief = new TufSimulator({ treeId: repository.treeId, keys });
  thief.timestamp.version = 90;
  thief.publish('stable', '6.6.6');
  const honest = repository.files;
  repository.files = thief.files;
  await assert.rejects(host.refresh(), { code: 'METADATA_ROLLBACK' });
  assert.equal(await host.readTrusted(), undefined);
  repository.files = honest;
  const { trusted } = await host.refresh();
  assert.equal(trusted.versions['root'], 3);
});

test('I10 a truncated root is noticed even when the older one verifies all other files', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  repository.rotateRoot(() => {}, []);
  repository.commit();
  await host.refresh();
  await truncate(join(host.directory, 'current/2.root.json'), 100);
  assert.equal(await host.readTrusted(), undefined);
  repository.source.faults.set('2.root.json', { kind: 'error', code: 'S3_NOT_FOUND' });
  await assert.rejects(host.refresh(), { code: 'METADATA_ROLLBACK' });
  repository.source.faults.clear();
  assert.equal((await host.refresh()).trusted.versions['root'], 2);
});

for (const days of [-60, 60]) {
  test(`I11 with a clock ${days} days off nothing expired is accepted, and the host recovers`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    const right = host.now;
    host.now = right + days * DAY_MS;
    repository.source.serverDate = right;
    repository.publish('stable', '1.1.0');
    if (days > 0) await assert.rejects(host.refresh(), { code: 'METADATA_EXPIRED' });
    else assert.equal(await host.stableVersion(), '1.1.0');
    // Real time passes, and timestamp expires.
    repository.publish('stable', '1.2.0');
    host.now += 15 * DAY_MS;
    repository.source.serverDate = right + 15 * DAY_MS;
    await assert.rejects(host.refresh(), { code: 'METADATA_EXPIRED' });
    repository.source.serverDate = right + 15 * DAY_MS;
    await assert.rejects(host.refresh(), { code: 'METADATA_EXPIRED' });
    host.now = right + 16 * DAY_MS;
    repository.now = host.now;
    repository.publish('stable', '1.3.0');
    assert.equal(await host.stableVersion(), '1.3.0');
  });
}

test('I11 a clock that is set back does not make expired metadata valid', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  const right = host.now;
  host.now += 15 * DAY_MS;
  repository.source.serverDate = host.now;
  await assert.rejects(host.refresh(), { code: 'METADATA_EXPIRED' });
  // A proxy removes the header, or the host is offline.
  repository.source.serverDate = undefined;
  host.now = right;
  await assert.rejects(host.refresh(), { code: 'METADATA_EXPIRED' });
  assert.deepEqual((await host.readTrusted())?.expired, ['timestamp']);
});

test('I12 a fast-forward, attack 17, is undone only by new keys for both timestamp and snapshot', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  const versions = [repository.timestamp.version, repository.snapshot.version];
  const far = MAX_VERSION_STEP;
  repository.timestamp.version = far;
  repository.snapshot.version = far;
  const testing = repository.snapshot.meta['env-testing.json']!;
  repository.snapshot.meta['env-testing.json'] = { ...testing, version: far };
  repository.commit();
  await host.refresh();
  [repository.timestamp.version, repository.snapshot.version] = versions as [number, number];
  repository.snapshot.meta['env-testing.json'] = testing;
  repository.publish('stable', '1.1.0');
  await assert.rejects(host.refresh(), { code: 'METADATA_ROLLBACK' });
  repository.delegate('stable', newKey());
  repository.commit(['targets', 'env-stable']);
  await assert.rejects(host.refresh(), { code: 'METADATA_ROLLBACK' });
  repository.rotateOnline('timestamp');
  repository.commit();
  await assert.rejects(host.refresh(), { code: 'METADATA_ROLLBACK' });
  repository.rotateOnline('timestamp', 'snapshot');
  repository.commit();
  assert.equal(await host.stableVersion(), '1.1.0');
});

const NOT_MISSING = [
  ...(['S3_CLOCK_SKEWED', 'S3_CREDENTIALS_REJECTED', 'S3_CREDENTIALS_MISSING'] as const),
  ...(['S3_UNREACHABLE', 'S3_SLOW_DOWN', 'S3_FAILED', 'S3_REGION_WRONG'] as const),
];
for (const code of NOT_MISSING) {
  test(`I13 ${code} does not hide a root`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    const before = await host.onDisk();
    repository.publish('stable', '1.1.0');
    repository.source.faults.set('2.root.json', { kind: 'error', code });
    await assert.rejects(host.refresh(), { code });
    assert.deepEqual(await host.onDisk(), before);
  });
}

test('I13 a missing root is "no newer root", as 404 and as 403 AccessDenied', async () => {
  for (const mayList of [true, false]) {
    const repository = new TufSimulator();
    repository.source.mayList = mayList;
    await using host = await SimulatedHost.polled(repository);
    repository.publish('stable', '1.1.0');
    assert.equal(await host.stableVersion(), '1.1.0');
  }
});

test('I15 two rotations between polls, idle polls, then an offline restart', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.rotated(repository);
  for (let polls = 0; polls < 3; polls += 1) {
    host.now += 5 * 3_600_000;
    await host.refresh();
  }
  const { files } = await host.onDisk();
  for (const file of ['1.root.json', '2.root.json', '3.root.json']) assert.ok(files[file], file);
  assert.equal((await host.readTrusted())?.versions['root'], 3);
  repository.source.drainRequests();
  await host.refresh();
  assert.deepEqual(repository.source.drainRequests(), ['timestamp.json']);
});
