import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '../../../shared/coded-error.ts';
import { MAX_FILE_BYTES } from '../../../trust/metadata/file-limits.ts';
import { MAX_VERSION, MAX_VERSION_STEP } from '../../../trust/metadata/version-limits.ts';
import { inspectMetadata } from '../../../trust/workflow/inspect.ts';
import { nested } from '../../support/nested.ts';
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

const listOf = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`k${at}`, { keytype: '', keyval: { public: '' } }]),
  );

for (const [what, signed] of [
  ['9,000 keys in the next root', { _type: 'root', keys: listOf(9000) }],
  ['9,000 roles in the next root', { _type: 'root', keys: {}, roles: listOf(9000) }],
  ['a list of roles in the next root', { _type: 'root', roles: Array(9000).fill(1) }],
  ['9,000 delegated keys', { delegations: { keys: listOf(9000) } }],
  ['9,000 delegated roles', { delegations: { roles: Array(9000).fill({}) } }],
  ['65 levels', { 'x-a': nested(64) }],
  ['a fraction', { 'x-a': [{ b: 0.5 }] }],
  ['an integer above 2^53', { 'x-a': 2 ** 53 }],
  ['half a surrogate pair', { 'x-a': '\ud800' }],
  ['half a surrogate pair in a name', { 'x-a': { '\ud800': 1 } }],
  ['keys beside delegations', { keys: listOf(9000), delegations: { keys: {} } }],
] as const) {
  test(`limits: ${what} are refused before they cost`, () => {
    const file = { signatures: [], signed: { version: 2, 'x-tree': 't', ...signed } };
    const bytes = Buffer.from(JSON.stringify(file));
    assert.throws(() => inspectMetadata(bytes, '2.root.json', 't'), { code: 'METADATA_INVALID' });
  });
}

test('limits: 64 levels are accepted', () => {
  const signed = { version: 2, 'x-tree': 't', 'x-a': nested(63) };
  const bytes = Buffer.from(JSON.stringify({ signatures: [], signed }));
  assert.equal(inspectMetadata(bytes, '2.root.json', 't')['version'], 2);
});

test('limits: a host refuses a root with too many keys before the TUF library reads it', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  const before = await host.onDisk();
  const { signed } = JSON.parse(String(repository.files.get('1.root.json')));
  const root = { signatures: [], signed: { ...signed, version: 2, keys: listOf(9000) } };
  repository.files.set('2.root.json', Buffer.from(JSON.stringify(root)));
  repository.publish('stable', '1.1.0');
  // Without a limit the TUF library reads it for a minute, and then misses the signatures.
  await assert.rejects(host.refresh(), { code: 'METADATA_INVALID' });
  assert.deepEqual(await host.onDisk(), before);
});

test('limits: a host reads 5 MB of a role, whatever length the thief of the online key signs', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  repository.role('stable')['x-more'] = 'x'.repeat(MAX_FILE_BYTES.targets);
  repository.publish('stable', '1.1.0');
  await assert.rejects(host.refresh(), { code: 'S3_TOO_LARGE' });
});

test('attack 31: no delegations in a root hide one key under two ids', () => {
  const key = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: '00'.repeat(32) } };
  const signed = { version: 2, 'x-tree': 't', keys: { a: key, b: key }, delegations: {} };
  const bytes = Buffer.from(JSON.stringify({ signatures: [], signed }));
  assert.throws(() => inspectMetadata(bytes, '2.root.json', 't'), { code: 'METADATA_INVALID' });
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
