import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '../../../shared/coded-error.ts';
import { MAX_VERSION, MAX_VERSION_STEP } from '../../../trust/metadata/version-limits.ts';
import { inspectMetadata } from '../../../trust/workflow/inspect.ts';
import { TufSimulator } from '../../support/tuf/simulator.ts';
import { SimulatedHost } from '../../support/tuf/simulator-host.ts';

const INSANE = [Number.MAX_SAFE_INTEGER, 2 ** 53, MAX_VERSION + 1, 0, -1];

for (const version of INSANE) {
  test(`row 5: an environment signed at version ${version} is refused`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    const before = await host.onDisk();
    const honest = new Map(repository.files);
    // The simulator signs the next version.
    repository.role('stable').version = version - 1;
    repository.commit(['env-stable']);
    await assert.rejects(host.refresh(), { code: 'METADATA_INVALID' });
    assert.deepEqual(await host.onDisk(), before);
    await refusedThenHealed(repository, host, honest);
  });

  for (const role of ['timestamp', 'snapshot'] as const) {
    test(`row 5: a ${role} signed at version ${version} is refused`, async () => {
      const repository = new TufSimulator();
      await using host = await SimulatedHost.polled(repository);
      const honest = new Map(repository.files);
      repository[role].version = version - 1;
      repository.commit();
      await assert.rejects(host.refresh(), { code: 'METADATA_INVALID' });
      await refusedThenHealed(repository, host, honest);
    });
  }
}

test('row 5: a new host, which sees no leap, refuses version 2^53-1', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.create(repository);
  repository.role('stable').version = Number.MAX_SAFE_INTEGER - 1;
  repository.commit(['env-stable']);
  await assert.rejects(host.refresh(), { code: 'METADATA_INVALID' });
});

test('row 5: a host that has seen little follows no leap of any role', async () => {
  for (const leap of ['timestamp', 'snapshot', 'targets', 'env-stable', 'env-testing']) {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    const { timestamp, snapshot, targets, roles } = repository;
    const document = { timestamp, snapshot, targets }[leap] ?? roles.get(leap);
    document!.version += MAX_VERSION_STEP;
    repository.commit(['targets', ...roles.keys()]);
    await assert.rejects(host.refresh(), (error) => {
      assert.ok(error instanceof CodedError);
      assert.equal(error.code, 'METADATA_INVALID');
      assert.match(error.message, new RegExp(leap));
      return true;
    });
  }
});

test('row 5: the longest honest step is accepted', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  repository.role('stable').version += MAX_VERSION_STEP - 1;
  repository.snapshot.version += MAX_VERSION_STEP - 1;
  repository.timestamp.version += MAX_VERSION_STEP - 1;
  repository.publish('stable', '1.1.0');
  assert.equal(await host.stableVersion(), '1.1.0');
});

test('inspect: odd text in a file gets into no message uncleaned', () => {
  const evil = '\u001b]52;c;eA==\u0007\u202e\n';
  for (const signed of [
    { 'x-tree': evil, version: 1 },
    { 'x-tree': 't', version: evil },
    { 'x-tree': 't', version: 1, meta: { [evil]: {} } },
  ]) {
    const bytes = Buffer.from(JSON.stringify({ signed }));
    assert.throws(() => inspectMetadata(bytes, 'timestamp.json', 't'), {
      name: 'CodedError',
      message: /^[\x20-\x7e]+$/,
    });
  }
});

/** The honest publisher continues from the state before the theft. */
async function refusedThenHealed(
  repository: TufSimulator,
  host: SimulatedHost,
  honest: Map<string, Buffer>,
): Promise<void> {
  const documents = [repository.timestamp, repository.snapshot, repository.role('stable')];
  const files = [...honest].filter(([name]) => /timestamp|snapshot|env-stable/.test(name));
  for (const [name, bytes] of files) {
    const { version } = JSON.parse(bytes.toString()).signed;
    const index = ['timestamp.json', 'snapshot.json', 'env-stable.json'].indexOf(
      name.replace(/^\d+\./, ''),
    );
    documents[index]!.version = version;
  }
  repository.files = honest;
  repository.publish('stable', '1.1.0');
  assert.equal(await host.stableVersion(), '1.1.0');
}
