import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyMap } from '../../../../operator/commands/init/initial-root.ts';
import { keyIdOf } from '../../../../operator/keys/public/signer.ts';
import { patternsOverlap } from '../../../../operator/metadata/lint/environment-pattern.ts';
import { lint } from '../../../../operator/metadata/lint/lint.ts';
import type { JsonObject } from '../../../../shared/json.ts';
import { newSigner } from '../../keys/keys.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const SHA = 'a'.repeat(64);
const alice = newSigner();
const bob = newSigner();

const header = {
  spec_version: '1.0.31',
  version: 3,
  expires: '2026-06-01T00:00:00Z',
  'x-tree': 'acme/ubuntu',
};
const solo = { keyids: [alice.keyId], threshold: 1 };
const root: JsonObject = {
  ...header,
  _type: 'root',
  consistent_snapshot: true,
  keys: keyMap([alice, bob]),
  roles: {
    root: { keyids: [alice.keyId, bob.keyId], threshold: 2 },
    targets: solo,
    snapshot: solo,
    timestamp: solo,
  },
};
const delegated = (name: string, ...paths: string[]) => ({
  ...solo,
  name,
  paths,
  terminating: true,
});
const targets: JsonObject = {
  ...header,
  'x-role': 'targets',
  _type: 'targets',
  targets: {},
  delegations: {
    keys: keyMap([alice]),
    roles: [delegated('env-stable', 'stable/*'), delegated('env-dev', 'dev/*', 'dev_*/*')],
  },
};
const release = {
  length: 10,
  hashes: { sha256: SHA },
  custom: {
    schema: 1,
    version: '1.0.0',
    release: '20260301T120000Z-aaaaaaaaaaaa',
    commit: null,
    created: '2026-03-01T12:00:00Z',
    by: 'ann',
    reason: '',
    hold: false,
    stop: false,
    minAgent: null,
  },
};
const stable: JsonObject = {
  ...header,
  'x-role': 'env-stable',
  _type: 'targets',
  targets: { 'stable/current': release },
};
const entry = { version: 1, length: 10, hashes: { sha256: SHA } };
const snapshot: JsonObject = { ...header, _type: 'snapshot', meta: { 'targets.json': entry } };
const timestamp: JsonObject = { ...header, _type: 'timestamp', meta: { 'snapshot.json': entry } };

const problems = (role: string, signed: JsonObject) =>
  lint(signed, { role, treeId: 'acme/ubuntu', now: NOW });

const sound = { root, targets, 'env-stable': stable, snapshot, timestamp };
for (const [role, signed] of Object.entries(sound)) {
  test(`I16: a sound ${role} has no problems`, () => assert.deepEqual(problems(role, signed), []));
}

const withRoles = (...roles: object[]) => ({
  ...targets,
  delegations: { keys: keyMap([alice]), roles },
});
const withTarget = (change: object, path = 'stable/current') => ({
  ...stable,
  targets: { [path]: { ...release, ...change } },
});
const rootRole = (keyids: string[], threshold: number) => ({
  ...root,
  roles: { ...(root['roles'] as object), root: { keyids, threshold } },
});
/** The same key, encoded in another way, so that its hash differs. */
const disguised = { ...alice.publicKey, keyval: { ...alice.publicKey.keyval, note: 'again' } };
const pem = {
  keytype: 'ed25519',
  scheme: 'ed25519',
  keyval: {
    public: `-----BEGIN PUBLIC KEY-----\n${Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      Buffer.from(alice.publicKey.keyval.public, 'hex'),
    ]).toString('base64')}\n-----END PUBLIC KEY-----\n`,
  },
};
const twice = (again: object) => ({
  ...root,
  keys: { ...keyMap([alice, bob]), [keyIdOf(again)]: again },
});

const rejected = {
  'another tree': ['root', { ...root, 'x-tree': 'acme/osx' }],
  'no tree': ['snapshot', { ...snapshot, 'x-tree': undefined }],
  'another role': ['env-stable', { ...stable, 'x-role': 'env-testing' }],
  'no role': ['targets', { ...targets, 'x-role': undefined }],
  expired: ['timestamp', { ...timestamp, expires: '2026-03-01T12:00:00Z' }],
  'no expiry': ['timestamp', { ...timestamp, expires: undefined }],
  'expiry that is not a time': ['timestamp', { ...timestamp, expires: 'never' }],
  'expiry on 30 February': ['timestamp', { ...timestamp, expires: '2027-02-30T00:00:00Z' }],
  'version 0': ['snapshot', { ...snapshot, version: 0 }],
  'another type': ['root', { ...root, _type: 'mirrors' }],
  'float in a version': ['snapshot', { ...snapshot, version: 1.5 }],
  'float in custom': [
    'env-stable',
    withTarget({ custom: { ...release.custom, rollout: { salt: 'a', bp: 12.5, groups: [] } } }),
  ],
  'float in a field that nobody knows': [
    'env-stable',
    withTarget({ custom: { ...release.custom, x: { y: [0.1] } } }),
  ],
  'integer past 2^53': ['env-stable', withTarget({ length: 2 ** 53 })],
  'key id that is not the hash of the key': [
    'root',
    { ...root, keys: { ...keyMap([alice]), [bob.keyId]: newSigner().publicKey } },
  ],
  'one key under two ids': ['root', twice(disguised)],
  'one key under two ids, once as PEM': ['root', twice(pem)],
  'one key under two ids in delegations': [
    'targets',
    {
      ...targets,
      delegations: {
        keys: { ...keyMap([alice]), [keyIdOf(pem)]: pem },
        roles: [delegated('env-a', 'a/*')],
      },
    },
  ],
  'text that is not a key': [
    'root',
    twice({ keytype: 'ed25519', scheme: 'ed25519', keyval: { public: 'zz' } }),
  ],
  'key id twice in a role': ['root', rootRole([alice.keyId, alice.keyId], 2)],
  'key id that is not among the keys': ['root', rootRole([alice.keyId, '0'.repeat(64)], 1)],
  'threshold 0': ['root', rootRole([alice.keyId], 0)],
  'threshold above the keys': ['root', rootRole([alice.keyId], 2)],
  'no consistent snapshots': ['root', { ...root, consistent_snapshot: false }],
  'a top-level role missing': [
    'root',
    { ...root, roles: { root: solo, targets: solo, snapshot: solo } },
  ],
  'release outside an environment': [
    'targets',
    { ...targets, targets: { 'stable/current': release } },
  ],
  'role without the prefix env-': ['targets', withRoles(delegated('root', 'root/*'))],
  'role delegated twice': [
    'targets',
    withRoles(delegated('env-a', 'a/*'), delegated('env-a', 'b/*')),
  ],
  'role not terminating': [
    'targets',
    withRoles({ ...delegated('env-a', 'a/*'), terminating: false }),
  ],
  'role without paths': ['targets', withRoles({ ...solo, name: 'env-a', terminating: true })],
  'path of another form': ['targets', withRoles(delegated('env-a', 'a/**'))],
  'paths overlap: the same': [
    'targets',
    withRoles(delegated('env-a', 'a/*'), delegated('env-b', 'a/*')),
  ],
  'paths overlap: a pattern': [
    'targets',
    withRoles(delegated('env-a', 'dev_a/*'), delegated('env-b', 'dev_*/*')),
  ],
  'paths overlap: two patterns': [
    'targets',
    withRoles(delegated('env-a', 'd*/*'), delegated('env-b', 'dev_*/*')),
  ],
  'paths overlap: everything': [
    'targets',
    withRoles(delegated('env-a', '*/*'), delegated('env-b', 'b/*')),
  ],
  'environment role that delegates': [
    'env-stable',
    { ...stable, delegations: { keys: {}, roles: [] } },
  ],
  'release under another name': ['env-stable', withTarget({}, 'stable/latest')],
  'no hash': ['env-stable', withTarget({ hashes: {} })],
  'hashes missing': ['env-stable', withTarget({ hashes: undefined })],
  'another hash': ['env-stable', withTarget({ hashes: { sha512: 'a'.repeat(128) } })],
  'a second hash': ['env-stable', withTarget({ hashes: { sha256: SHA, md5: 'a'.repeat(32) } })],
  'hash in capitals': ['env-stable', withTarget({ hashes: { sha256: 'A'.repeat(64) } })],
  'length 0': ['env-stable', withTarget({ length: 0 })],
  'length missing': ['env-stable', withTarget({ length: undefined })],
  'custom without hold': [
    'env-stable',
    withTarget({ custom: { ...release.custom, hold: undefined } }),
  ],
  'meta without hash': [
    'snapshot',
    { ...snapshot, meta: { 'targets.json': { version: 1, length: 1 } } },
  ],
  'meta without length': [
    'timestamp',
    { ...timestamp, meta: { 'snapshot.json': { version: 1, hashes: { sha256: SHA } } } },
  ],
  'meta empty': ['snapshot', { ...snapshot, meta: {} }],
} satisfies Record<string, readonly [string, JsonObject]>;

for (const [name, [role, signed]] of Object.entries(rejected)) {
  test(`I16: refused: ${name}`, () => assert.notDeepEqual(problems(role, signed), []));
}

const pairs = [
  ['stable/*', 'stable/*', true],
  ['stable/*', 'testing/*', false],
  ['stable/*', 'stable_2/*', false],
  ['dev/*', 'dev_*/*', false],
  ['dev_ann/*', 'dev_*/*', true],
  ['dev*/*', 'dev_*/*', true],
  ['a*/*', 'b*/*', false],
  ['a/**', 'b/*', true],
] as const;

for (const [a, b, wanted] of pairs) {
  test(`patterns ${a} and ${b} ${wanted ? 'overlap' : 'do not overlap'}`, () => {
    assert.equal(patternsOverlap(a, b), wanted);
    assert.equal(patternsOverlap(b, a), wanted);
  });
}
