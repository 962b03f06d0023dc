import assert from 'node:assert/strict';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { newTreeKeys, TufSimulator } from '../support/tuf/simulator.ts';
import { DAY_MS } from '../support/tuf/simulator-documents.ts';
import { SimulatedHost } from '../support/tuf/simulator-host.ts';
import { newKey } from '../support/tuf/simulator-keys.ts';
import { dropStable, longAgo, otherTree } from '../support/tuf/simulator-plays.ts';

test('the first poll is five requests, a newer release four, a new timestamp only two', async () => {
  const repository = new TufSimulator();
  repository.publish('stable', '1.0.0');
  await using host = await SimulatedHost.create(repository);
  const polled = async () => {
    const { kind } = await host.refresh();
    return [kind, repository.source.drainRequests().length];
  };
  assert.deepEqual(await polled(), ['updated', 5]);
  repository.publish('stable', '1.1.0');
  assert.deepEqual(await polled(), ['updated', 4]);
  repository.publish('testing', '1.1.0');
  assert.deepEqual(await polled(), ['updated', 3]);
  repository.writeTimestamp();
  assert.deepEqual(await polled(), ['updated', 2]);
  assert.deepEqual(await polled(), ['unchanged', 1]);
});

test('08b a fresh host takes an older state that has not expired: known limit', async () => {
  const { repository, older } = replayed();
  await using host = await SimulatedHost.create(repository);
  repository.files = older;
  assert.equal(await host.stableVersion(), '1.0.0');
});

test('08b with the seeds of its package a fresh host refuses an older state, expired or not', async () => {
  const { repository, older, seeds } = replayed();
  await using host = await SimulatedHost.create(repository);
  repository.files = older;
  await assert.rejects(host.refresh({ packagedSeeds: seeds }), { code: 'METADATA_ROLLBACK' });
  host.now += 13 * DAY_MS;
  repository.now = host.now;
  repository.files = older;
  await assert.rejects(host.refresh({ packagedSeeds: seeds }), { code: 'METADATA_ROLLBACK' });
  assert.deepEqual(await host.onDisk(), { files: {}, names: ['record.json'] });
});

test('10b seeds know which roles existed', async () => {
  const { repository, seeds } = replayed();
  await using host = await SimulatedHost.create(repository);
  dropStable({ repository });
  await assert.rejects(host.refresh({ packagedSeeds: seeds }), { code: 'METADATA_ROLLBACK' });
});

const brokenSeeds = {
  'of another tree': () => new TufSimulator({ treeId: 'acme-test/osx' }).seeds().snapshot,
  'cut off': ({ snapshot }: { snapshot: Buffer }) => snapshot.subarray(0, 100),
  'the other one': ({ timestamp }: { timestamp: Buffer }) => timestamp,
  missing: () => Buffer.alloc(0),
};
for (const [name, broken] of Object.entries(brokenSeeds)) {
  test(`a seed that is ${name}: a fresh host reports it, a host with newer metadata needs no seed`, async () => {
    const { repository, seeds } = replayed();
    await using host = await SimulatedHost.create(repository);
    const packagedSeeds = { ...seeds, snapshot: broken(seeds) };
    await assert.rejects(host.refresh({ packagedSeeds }), { code: 'ROOT_INVALID' });
    assert.deepEqual(await host.onDisk(), { files: {}, names: [] });
    await host.refresh();
    repository.publish('stable', '1.2.0');
    assert.equal((await host.refresh({ packagedSeeds })).kind, 'updated');
  });
}

test('seeds signed by keys that were revoked later are ignored and do no harm', async () => {
  const { repository, seeds } = replayed();
  await using host = await SimulatedHost.create(repository);
  repository.rotateOnline('timestamp', 'snapshot');
  repository.timestamp.version = 0;
  repository.commit();
  await host.refresh({ packagedSeeds: seeds });
});

function replayed() {
  const repository = new TufSimulator();
  repository.publish('stable', '1.0.0');
  const older = new Map(repository.files);
  repository.publish('stable', '1.1.0');
  return { repository, older, seeds: repository.seeds() };
}

test('11 the expiry of another environment has no effect', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  longAgo(repository, () => repository.writeRole('env-testing'));
  repository.publish('stable', '1.1.0');
  assert.equal(await host.stableVersion(), '1.1.0');
});

test('11 an expired root in the package is a valid start of the chain', async () => {
  const repository = new TufSimulator();
  repository.root.version = 0;
  longAgo(repository, () => repository.writeRoot());
  await using host = await SimulatedHost.create(repository);
  repository.writeRoot();
  repository.publish('stable', '1.0.0');
  assert.equal(await host.stableVersion(), '1.0.0');
});

test('14 what a CI key signs about stable is ignored', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  host.environments = ['stable', 'testing'];
  repository.release('testing', '6.6.6');
  const testing = repository.role('testing');
  testing.targets['stable/current'] = testing.targets['testing/current']!;
  const thief = newKey();
  const role = { name: 'thief', terminating: true, paths: ['stable/*'] };
  testing.delegations = {
    keys: { [thief.keyId]: thief.json },
    roles: [{ ...role, keyids: [thief.keyId], threshold: 1 }],
  };
  repository.commit(['env-testing']);
  assert.equal(await host.stableVersion(), '1.0.0');
  repository.role('stable').targets = {};
  repository.commit(['env-stable']);
  assert.equal(await host.stableVersion(), undefined);
});

test('15 three rotations of the root keys between two polls', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  for (let times = 0; times < 3; times += 1) {
    const people = [newKey(), newKey()];
    repository.rotateRoot(({ root }) => {
      root.keyids = people.map(({ keyId }) => keyId);
    }, people);
    repository.commit();
  }
  const { trusted } = await host.refresh();
  assert.equal(trusted.versions['root'], 4);
});

test('16 revoking a release key and signing again is one commit', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  repository.delegate('stable', newKey());
  repository.release('stable', '1.1.0');
  repository.commit(['targets', 'env-stable']);
  assert.equal(await host.stableVersion(), '1.1.0');
});

test('with a newer root of the chain in its package, the host keeps what it knows', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.rotated(repository);
  for (const root of ['2.root.json', '3.root.json', '1.root.json']) {
    host.packagedRoot = repository.files.get(root)!;
    const { trusted } = await host.refresh();
    assert.equal(trusted.versions['root'], 3, root);
  }
  const { timestamp } = repository.seeds();
  repository.publish('stable', '1.1.0');
  await host.refresh();
  repository.files.set('timestamp.json', timestamp);
  await assert.rejects(host.refresh(), { code: 'METADATA_ROLLBACK' });
});

test('a package with a root outside the chain starts again, even with the same keys', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.rotated(repository);
  const { keys, treeId } = repository;
  const restarted = new TufSimulator({ treeId, keys });
  restarted.now += DAY_MS;
  restarted.root.version = 0;
  restarted.writeRoot();
  restarted.publish('stable', '0.1.0');
  host.packagedRoot = restarted.files.get('1.root.json')!;
  assert.equal(await host.readTrusted(), undefined);
  host.pointTo(restarted);
  const { trusted } = await host.refresh();
  assert.equal(trusted.versions['root'], 1);
  assert.equal(trusted.environments.get('stable')?.current?.custom.version, '0.1.0');
});

test('an older package with a root outside the chain starts again', async () => {
  const repository = new TufSimulator();
  repository.writeRoot();
  await using host = await SimulatedHost.create(repository);
  host.packagedRoot = repository.files.get('2.root.json')!;
  repository.publish('stable', '1.0.0');
  await host.refresh();
  const restarted = new TufSimulator({ treeId: repository.treeId });
  restarted.publish('stable', '0.1.0');
  host.packagedRoot = restarted.files.get('1.root.json')!;
  host.pointTo(restarted);
  assert.equal(await host.stableVersion(), '0.1.0');
});

for (const root of ['1.root.json', '2.root.json']) {
  test(`a host that is moved to another tree, ${root}, keeps nothing of the old one`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    repository.timestamp.version = 50;
    repository.publish('stable', '1.1.0');
    await host.refresh();
    const other = otherTree(repository, repository.keys);
    other.writeRoot();
    host.pointTo(other);
    host.packagedRoot = other.files.get(root)!;
    assert.equal(await host.readTrusted(), undefined);
    assert.equal(await host.stableVersion(), '6.6.9');
  });
}

test('a publisher reads expired metadata, but no forged metadata', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  host.now += 20 * DAY_MS;
  const { trusted } = await host.refresh({ acceptExpired: true });
  assert.deepEqual(trusted.expired, ['timestamp']);
  assert.equal(trusted.metadata.snapshot.signed.version, repository.snapshot.version);
  assert.ok(trusted.metadata.roles.get('env-stable')?.signed.targets['stable/current']);
  const forged = new TufSimulator({
    treeId: repository.treeId,
    keys: { ...newTreeKeys(), root: repository.keys.root },
  });
  host.pointTo(forged);
  await assert.rejects(host.refresh({ acceptExpired: true }), { code: 'METADATA_UNSIGNED' });
});

const BAD_ROOTS = {
  'no JSON': () => Buffer.from('-----BEGIN'),
  'no tree': ({ root, keys }: TufSimulator) => {
    const { 'x-tree': _, ...rest } = root;
    return Buffer.from(JSON.stringify({ signed: rest, signatures: keys.root.map(() => ({})) }));
  },
  'no signature': ({ root }: TufSimulator) =>
    Buffer.from(JSON.stringify({ signed: root, signatures: [] })),
  'a timestamp': ({ files }: TufSimulator) => files.get('timestamp.json')!,
};
for (const [name, make] of Object.entries(BAD_ROOTS)) {
  test(`an installed root that is ${name} is reported as such, before any request`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.create(repository);
    host.packagedRoot = make(repository);
    await assert.rejects(host.refresh(), { code: 'ROOT_INVALID' });
    assert.deepEqual(repository.source.drainRequests(), []);
    assert.equal(await host.readTrusted(), undefined);
  });
}

test('an environment without a delegation offers nothing', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  host.environments = ['unheard_of'];
  const { trusted } = await host.refresh();
  const nothing = { role: undefined, current: undefined, next: undefined, schemaTooNew: false };
  assert.deepEqual(trusted.environments.get('unheard_of'), nothing);
});

test('a release with a newer schema is reported, and the rest is read', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  repository.release('stable', '2.0.0', { slot: 'next' });
  repository.role('stable').targets['stable/next']!.custom = { schema: 2, news: [] };
  repository.commit(['env-stable']);
  const { trusted } = await host.refresh();
  const offer = trusted.environments.get('stable');
  assert.equal(offer?.schemaTooNew, true);
  assert.equal(offer.current?.custom.version, '1.0.0');
  assert.equal(offer.next, undefined);
});

for (const target of [undefined, 'generation-gone']) {
  test(`trusted files whose link is ${target === undefined ? 'lost' : 'dangling'} are found, and nothing older is accepted`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    const earlier = new Map(repository.files);
    repository.publish('stable', '1.1.0');
    await host.refresh();
    const link = join(host.directory, 'current');
    await rm(link);
    if (target !== undefined) await symlink(target, link);
    assert.notEqual(await host.readTrusted(), undefined);
    repository.files = earlier;
    await assert.rejects(host.refresh(), { code: 'METADATA_ROLLBACK' });
  });
}

test('a stop by the caller ends a refresh with the reason of the stop, without an error code', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  repository.source.faults.set('timestamp.json', { kind: 'slow' });
  const stop = new AbortController();
  const refreshing = host.refresh({ signal: stop.signal });
  stop.abort();
  await assert.rejects(refreshing, { name: 'AbortError' });
});
