import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { TufSimulator } from '../support/tuf/simulator.ts';
import { DAY_MS } from '../support/tuf/simulator-documents.ts';
import { SimulatedHost } from '../support/tuf/simulator-host.ts';
import { aliasOf, newKey } from '../support/tuf/simulator-keys.ts';
import { newest, otherTree } from '../support/tuf/simulator-plays.ts';

test('I2 an idle poll is one request and writes nothing', async () => {
  const repository = new TufSimulator();
  repository.source.serverDate = Date.UTC(2040, 0, 1);
  await using host = await SimulatedHost.polled(repository);
  const touched = async () => [
    (await stat(host.directory, { bigint: true })).mtimeNs,
    (await stat(join(host.directory, 'record.json'), { bigint: true })).mtimeNs,
  ];
  const before = await touched();
  host.now += 3_600_000;
  repository.source.serverDate = host.now;
  const { kind } = await host.refresh();
  assert.equal(kind, 'unchanged');
  assert.deepEqual(repository.source.drainRequests(), ['timestamp.json']);
  assert.deepEqual(await touched(), before);
});

test('I2 an idle poll is two requests when a root is due, once a day', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  host.now += DAY_MS;
  await host.refresh();
  assert.deepEqual(repository.source.drainRequests(), ['timestamp.json', '2.root.json']);
  await host.refresh();
  assert.deepEqual(repository.source.drainRequests(), ['timestamp.json']);
});

/** Days from the first publication to the last timestamp.json, and from that to the poll. */
const EXPIRED = {
  everything: [6, 400],
  'the timestamp': [6, 20],
  'the environment': [175, 10],
} as const;
for (const [what, [renewed, polled]] of Object.entries(EXPIRED)) {
  test(`I2 an idle poll where ${what} has expired is one request`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    host.now += renewed * DAY_MS;
    repository.now = host.now;
    repository.writeTimestamp();
    await host.refresh();
    repository.source.drainRequests();
    host.now += polled * DAY_MS;
    await assert.rejects(host.refresh(), { code: 'METADATA_EXPIRED' });
    assert.deepEqual(repository.source.drainRequests(), ['timestamp.json', '2.root.json']);
    await assert.rejects(host.refresh(), { code: 'METADATA_EXPIRED' });
    assert.deepEqual(repository.source.drainRequests(), ['timestamp.json']);
  });
}

test('I4 versions on disk never decrease, no matter what a thief restores', async () => {
  const step = fc.constantFrom('publish', 'rotate', 'replay', 'replay all', 'truncate', 'restore');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 10 }), async (steps) => {
      const repository = new TufSimulator();
      await using host = await SimulatedHost.polled(repository);
      const history = [new Map(repository.files)];
      let seen = await versionsOnDisk(host);
      for (const [index, name] of ['publish', 'replay', ...steps].entries()) {
        playStep(repository, history, { name, index });
        await host.refresh().catch(() => undefined);
        const now = await versionsOnDisk(host);
        for (const [role, version] of Object.entries(seen)) {
          assert.ok(now[role]! >= version, `${role} went from ${version} to ${now[role]}: ${name}`);
        }
        seen = now;
      }
    }),
    { numRuns: 15 },
  );
});

function playStep(
  repository: TufSimulator,
  history: Map<string, Buffer>[],
  { name, index }: { name: string; index: number },
): void {
  const older = history[index % history.length]!;
  const newestFiles = history.at(-1)!;
  if (name === 'replay') repository.files.set('timestamp.json', older.get('timestamp.json')!);
  else if (name === 'replay all') repository.files = new Map(older);
  else if (name === 'truncate') repository.files.set('timestamp.json', Buffer.from('{"signed":'));
  else repository.files = new Map(newestFiles);
  if (name === 'publish') repository.publish('stable', `1.${index}.0`);
  if (name === 'rotate') {
    repository.rotateRoot(() => {}, []);
    repository.commit();
  }
  if (name === 'publish' || name === 'rotate') history.push(new Map(repository.files));
}

async function versionsOnDisk(host: SimulatedHost): Promise<Record<string, number>> {
  const versions: Record<string, number> = {};
  for (const file of Object.keys((await host.onDisk()).files)) {
    const bytes = await readFile(join(host.directory, 'current', file), 'utf8');
    const role = file.endsWith('.root.json') ? 'root' : file;
    versions[role] = Math.max(versions[role] ?? 0, JSON.parse(bytes).signed.version);
  }
  return versions;
}

test('I8 files of another tree with the same keys change nothing on disk', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  const other = otherTree(repository, repository.keys);
  other.writeRoot();
  const before = await host.onDisk();
  const record = await readFile(join(host.directory, 'record.json'), 'utf8');
  const honest = repository.files;
  repository.files = other.files;
  await assert.rejects(host.refresh(), { code: 'TREE_MISMATCH' });
  repository.files = new Map([...honest, ['2.root.json', other.files.get('2.root.json')!]]);
  await assert.rejects(host.refresh({ etag: undefined }), { code: 'TREE_MISMATCH' });
  assert.deepEqual(await host.onDisk(), before);
  assert.equal(await readFile(join(host.directory, 'record.json'), 'utf8'), record);
  repository.files = honest;
  repository.publish('stable', '1.1.0');
  assert.equal(await host.stableVersion(), '1.1.0');
});

test('I9 expired, corrupt or lost metadata does not change what is trusted, including a stop', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  repository.publish('stable', '1.1.0', { custom: { stop: true } });
  await host.refresh();
  const before = await host.readTrusted();
  assert.equal(before?.environments.get('stable')?.current?.custom.stop, true);
  repository.publish('stable', '1.2.0');
  repository.files.set(newest(repository, 'env-stable'), Buffer.from('{}'));
  await assert.rejects(host.refresh(), { code: 'METADATA_INVALID' });
  repository.source.faults.set('timestamp.json', { kind: 'error', code: 'S3_UNREACHABLE' });
  await assert.rejects(host.refresh(), { code: 'S3_UNREACHABLE' });
  host.now += 400 * DAY_MS;
  const after = await host.readTrusted();
  assert.deepEqual(after?.environments, before.environments);
  assert.deepEqual(after.versions, before.versions);
  assert.deepEqual(after.expired, ['root', 'timestamp', 'snapshot', 'targets', 'env-stable']);
});

test('I17 two-person stable with one signature is refused, also under two names', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  const { release } = repository.keys;
  const second = newKey();
  repository.delegate('stable', release, second);
  repository.targets.delegations!.roles.find(({ name }) => name === 'env-stable')!.threshold = 2;
  repository.signers.set('env-stable', [release]);
  repository.release('stable', '1.1.0');
  repository.commit(['targets', 'env-stable']);
  await assert.rejects(host.refresh(), { code: 'METADATA_UNSIGNED' });
  repository.signers.set('env-stable', [release, second]);
  repository.commit(['env-stable']);
  assert.equal(await host.stableVersion(), '1.1.0');
  repository.delegate('stable', release, aliasOf(release));
  repository.targets.delegations!.roles.find(({ name }) => name === 'env-stable')!.threshold = 2;
  repository.commit(['targets', 'env-stable']);
  await assert.rejects(host.refresh(), { code: 'METADATA_INVALID' });
});

test('I18 environments may have names that JavaScript or TUF reserve', async () => {
  const names = [
    '2024',
    '10',
    'targets',
    'root',
    'snapshot',
    '__proto__',
    'constructor',
    'current',
  ];
  const repository = new TufSimulator({ environments: names });
  await using host = await SimulatedHost.create(repository);
  for (const name of names) repository.release(name, `1.0.0-${name.replaceAll('_', '')}`);
  repository.commit([...repository.roles.keys()]);
  host.environments = names;
  const { trusted } = await host.refresh();
  const known = await host.readTrusted();
  for (const name of names) {
    const offer = trusted.environments.get(name);
    assert.equal(offer?.current?.custom.version, `1.0.0-${name.replaceAll('_', '')}`);
    assert.equal(offer.role, `env-${name}`);
    assert.deepEqual(known?.environments.get(name), offer);
  }
  assert.equal((await host.refresh()).kind, 'unchanged');
});
