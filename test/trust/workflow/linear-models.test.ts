import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Snapshot, Targets } from '@tufjs/models';
import { DelegatedRole } from '@tufjs/models/dist/role.js';
import '../../../trust/workflow/linear-models.ts';

const HEAD = { spec_version: '1.0.31', version: 1, expires: '2030-01-01T00:00:00Z', 'x-tree': 'a' };
const FILE = { version: 3, length: 5, hashes: { sha256: 'ab'.repeat(32) }, custom: { a: [1] } };

const KINDS = [
  { kind: Snapshot, of: 'meta', type: 'snapshot' },
  { kind: Targets, of: 'targets', type: 'targets' },
] as const;

for (const { kind, of, type } of KINDS) {
  const document = (entries: unknown) => ({ _type: type, ...HEAD, [of]: entries });

  test(`row 4: the linear ${type} reads and writes what the library does`, () => {
    const entries = { 'a.json': FILE, ['__proto__']: FILE, constructor: FILE };
    const given = JSON.parse(JSON.stringify(document(entries)));
    const read = kind.fromJSON(given);
    assert.ok(read instanceof kind);
    assert.deepEqual(JSON.parse(JSON.stringify(read.toJSON())), given);
    const again = kind.fromJSON(JSON.parse(JSON.stringify(read.toJSON())));
    assert.ok(read.equals(again as never));
    for (const bad of [7, 'text', null, { a: 7 }, { a: null }, { a: {} }]) {
      assert.throws(() => kind.fromJSON(document(bad)), JSON.stringify(bad));
    }
    assert.ok(kind.fromJSON({ _type: type, ...HEAD }) instanceof kind);
  });

  test(`row 4: eight times the entries of a ${type} cost about eight times the CPU`, () => {
    const cost = (count: number) => {
      const names = Array.from({ length: count }, (_, at) => [`env-${at}.json`, FILE]);
      const given = document(Object.fromEntries(names));
      const before = process.cpuUsage();
      kind.fromJSON(given).toJSON();
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    cost(400);
    const [small, large] = [cost(400), cost(3200)];
    // The library's own functions take more than 60 times as long.
    assert.ok(large < 32 * Math.max(small, 3000), `${small} µs and ${large} µs`);
  });
}

const KEY = { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: '00'.repeat(32) } };
const roleOf = (name: string) => {
  return { name, keyids: ['k'], threshold: 1, terminating: true, paths: ['a/*'], extra: [1] };
};
const targetsOf = (delegations: unknown) =>
  ({ _type: 'targets', ...HEAD, targets: {}, delegations }) as never;

test('the linear delegations read and write what the library does', () => {
  const keys = { k: KEY, ['__proto__']: KEY, 10: KEY };
  const roles = ['b', '__proto__', 'a', '2'].map(roleOf);
  for (const delegations of [
    { keys, roles, other: 1 },
    { keys: {}, roles: [] },
    { keys, succinct_roles: { keyids: ['k'], threshold: 1, bit_length: 2, name_prefix: 'x' } },
  ]) {
    const given = JSON.parse(JSON.stringify(targetsOf(delegations)));
    const read = Targets.fromJSON(structuredClone(given));
    const written = JSON.parse(JSON.stringify(read.toJSON()));
    const sorted = written.delegations.roles?.toSorted(byName);
    const expected = given.delegations.roles?.toSorted(byName);
    assert.deepEqual(
      { ...written.delegations, roles: sorted },
      { ...given.delegations, roles: expected },
    );
    assert.ok(read.equals(Targets.fromJSON(written)));
  }
});

test('the linear delegations refuse what the library refuses', () => {
  const good = roleOf('a');
  for (const delegations of [
    {},
    { keys: 7, roles: [] },
    { keys: { a: 7 }, roles: [] },
    { keys: { a: {} }, roles: [] },
    { keys: {}, roles: 'a' },
    { keys: {}, roles: {} },
    { keys: {}, roles: [7] },
    { keys: {}, roles: [null] },
    { keys: {}, roles: [good, good] },
    { keys: {}, roles: [good, roleOf('root')] },
    { keys: {}, roles: [{ ...good, keyids: ['k', 'k'] }] },
    { keys: {}, roles: [{ ...good, threshold: 0 }] },
  ]) {
    assert.throws(() => Targets.fromJSON(targetsOf(delegations)), JSON.stringify(delegations));
  }
});

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

test('eight times the delegations cost about eight times the CPU', () => {
  const cost = (count: number) => {
    const names = Array.from({ length: count }, (_, at) => `env-${at}`);
    const keys = Object.fromEntries(names.map((name) => [name, KEY]));
    const given = targetsOf({ keys, roles: names.map(roleOf) });
    const before = process.cpuUsage();
    Targets.fromJSON(given).toJSON();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  cost(300);
  const [small, large] = [cost(300), cost(2400)];
  assert.ok(large < 32 * Math.max(small, 3000), `${small} µs and ${large} µs`);
});

test('limits: the paths of a delegation are patterns of TUF, not of a shell', () => {
  const role = (paths: string[]) => DelegatedRole.fromJSON({ ...roleOf('a'), paths });
  assert.equal(role(['x', 'dev_*/*']).isDelegatedPath('dev_a/next'), true);
  assert.equal(role(['{dev,x}/*']).isDelegatedPath('dev/next'), false);
  const { paths: _, ...other } = roleOf('a');
  const bins = DelegatedRole.fromJSON({ ...other, path_hash_prefixes: [''] });
  assert.equal(bins.isDelegatedPath('dev/next'), true);
});
