import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { metadataKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { BinariesListAnswer } from '../../../../operator/binaries-answers.ts';
import { changed, changedWithout, codeOf, hostOf, newKey } from '../../key-commands.ts';
import { BUCKET, snapshotOf, TREE } from '../../operator-lab.ts';
import { type CiLab, ciLabs, RECOVER, Thief } from './theft.ts';

/*
 * The thief of an environment's key signs what hosts take and mm never signs. Every command that is
 * a way back must work all the same, and must not sign any of it again.
 */

const VERSION = 20;

const ciLab = ciLabs((lab) => newKey(lab, 'ci2'));

async function scene(t: TestContext): Promise<CiLab & { thief: Thief; targets: object }> {
  const lab = await ciLab(t);
  const { version } = lab.metadata('timestamp.json').signed.meta['snapshot.json'];
  const { meta } = lab.metadata(`${version}.snapshot.json`).signed;
  const file = `${meta['env-testing.json'].version}.env-testing.json`;
  const { targets } = lab.metadata(file).signed;
  return { ...lab, thief: new Thief(lab), targets };
}

const HASHES = { hashes: { sha256: 'ab'.repeat(32) }, length: 1 };
const ODD: Readonly<Record<string, (targets: object) => object>> = {
  'delegations to a key of the thief': () => ({
    delegations: {
      keys: {},
      roles: [{ name: 'evil', keyids: [], threshold: 1, terminating: true, paths: ['testing/*'] }],
    },
  }),
  'releases of another environment, and of none': (targets) => ({
    targets: { ...targets, 'stable/current': HASHES, 'a/b/c': HASHES },
  }),
  'a release that mm does not sign': () => ({ targets: { 'testing/current': HASHES } }),
  'names that every object inherits': (targets) => ({
    ...{ targets: { ...targets, constructor: HASHES }, constructor: { a: 1 } },
  }),
  'a release with another hash': (targets) => ({
    targets: { ...targets, 'testing/next': { length: 1, hashes: { sha512: 'ab'.repeat(64) } } },
  }),
  'no release': () => ({ targets: {} }),
  'a role of more than 3 MB': () => ({ 'x-more': 'x'.repeat(3_200_000) }),
  'another specification': () => ({ spec_version: '1.0.99', 'x-odd': [{ a: null }] }),
};

const WAYS_BACK: Readonly<Record<string, readonly string[]>> = {
  'key revoke': ['key', 'revoke', 'ci', '--replace-by', 'ci2'],
  'key rotate --recover': ['key', 'rotate', '--role', 'testing', '--recover', '--add', 'ci2'],
};

for (const [what, spoil] of Object.entries(ODD)) {
  test(`row 5: a thief signs ${what}: every way back works, and signs nothing of it`, async (t) => {
    for (const [name, args] of Object.entries(WAYS_BACK)) {
      const lab = await scene(t);
      await lab.thief.signTesting(VERSION, spoil(lab.targets));
      await lab.thief.signOnline({ 'env-testing': VERSION });
      const hasRelease = what !== 'no release';
      const choice = hasRelease ? ['--back-to', 'testing=0.1.0'] : [];
      assert.equal((await changed(lab, [...args, ...choice])).outcome, 'committed', name);
      const snapshot = lab.metadata('timestamp.json').signed.meta['snapshot.json'].version;
      const { meta } = lab.metadata(`${snapshot}.snapshot.json`).signed;
      const role = name === 'key revoke' ? 'env-testing' : 'env-testing-2';
      const { signed } = lab.metadata(`${meta[`${role}.json`].version}.${role}.json`);
      assert.deepEqual(Object.keys(signed.targets), hasRelease ? ['testing/current'] : []);
      const fields = ['_type', 'expires', 'spec_version', 'targets', 'version', 'x-role', 'x-tree'];
      assert.deepEqual(Object.keys(signed).sort(), [...fields, 'x-versions'], name);
      assert.deepEqual(signed['x-versions'], { testing: '0.1.0' });
      assert.equal((await lab.mm(['publish', 'testing', '--no-validate'])).exitCode, 0, name);
      const { trusted } = await (await hostOf(t, lab, 'fresh')).poll(['testing']);
      assert.ok(trusted.environments.get('testing')?.current, name);
    }
  });
}

test('row 5: odd delegations, expiries and schedules are named, and fill no screen', async (t) => {
  const { thief, mm } = await scene(t);
  const expires = `Fri, 31 Dec 2027 00:00:00 GMT (${'x'.repeat(10_000)})`;
  const { targets } = thief.signedOf('env-testing');
  const next = evilRollout(targets['testing/current']);
  const delegations = { keys: {}, roles: [] };
  await thief.signTesting(VERSION, { expires, delegations, targets: { ...targets, ...next } });
  await thief.signOnline({ 'env-testing': VERSION });
  const { exitCode, stdout } = await mm(['doctor']);
  assert.equal(exitCode, 1);
  assert.match(stdout, /delegates further.*next: mm key list, then mm key revoke NAME\n/s);
  assert.ok(stdout.length < 10_000);
  const step = await mm(['rollout', 'step', 'testing']);
  assert.equal(step.exitCode, 0, step.stderr);
  assert.match(step.stderr, /after the last date of the calendar/);
});

/** A rollout with a step that is due in 285 million years. */
function evilRollout<T extends { readonly custom: object }>(release: T): object {
  const steps = [{ bp: 10_000, afterSeconds: Number.MAX_SAFE_INTEGER }];
  const rollout = { salt: 's', bp: 1, groups: [], since: '2026-01-01T00:00:00Z', steps };
  return { 'testing/next': { ...release, custom: { ...release.custom, rollout } } };
}

test('row 6: --keep of a release that mm does not sign is refused with the next command', async (t) => {
  const lab = await scene(t);
  await lab.thief.signTesting(VERSION, { targets: { 'testing/current': HASHES } });
  await lab.thief.signOnline({ 'env-testing': VERSION });
  const args = ['key', 'revoke', 'ci', '--replace-by', 'ci2'];
  const { json } = await lab.mm([...args, '--keep', '--json']);
  const { code, message, next } = ErrorAnswer.parse(json).error;
  assert.equal(code, 'USAGE');
  assert.match(message, /^testing\/current cannot be signed again/);
  assert.equal(next, `mm ${args.join(' ')} --back-to RELEASE`);
});

test('row 5: roles that a thief of the online key invented are left behind by new online keys', async (t) => {
  const lab = await scene(t);
  await newKey(lab, 'online2');
  await lab.thief.signOnline({ 'env-ghost': 7 });
  const entries = () => {
    const { version } = lab.metadata('timestamp.json').signed.meta['snapshot.json'];
    return Object.keys(lab.metadata(`${version}.snapshot.json`).signed.meta);
  };
  // Hosts that saw it refuse a snapshot without it, as long as the key counts.
  await changed(lab, ['renew', 'online']);
  assert.ok(entries().includes('env-ghost.json'));
  await changed(lab, RECOVER);
  assert.ok(!entries().includes('env-ghost.json'));
  await (await hostOf(t, lab, 'fresh')).poll(['stable', 'testing']);
});

/** The keys of the operator and of ci sign the binaries; stable has the operator's key alone. */
const binariesLab = ciLabs(async (lab) => {
  await newKey(lab, 'ci2');
  await newKey(lab, 'online2');
  const file = join(lab.directory, 'a.deb');
  await writeFile(file, 'package');
  for (const args of [
    ['binaries', 'init'],
    ['binaries', 'put', file],
    ['publish', 'stable', '--no-validate', '--force'],
    ['key', 'rotate', '--role', 'binaries', '--add', 'ci'],
  ]) {
    const { exitCode, stderr } = await lab.mm(args);
    assert.equal(exitCode, 0, stderr);
  }
});

test('row 5: a thief signs a binary that mm does not sign: mm log shows the others, and a revocation drops it', async (t) => {
  const good = { length: 4, hashes: { sha256: 'a'.repeat(64) }, custom: {} };
  for (const [path, fields] of [
    ['binaries/files/evil.deb', { custom: { schema: 2 } }],
    ['binaries/files/evil.deb', { hashes: {} }],
    ['stable/current', { length: 0 }],
  ] as const) {
    const lab = await binariesLab(t);
    const thief = new Thief(lab);
    const targets = { ...thief.signedOf('binaries').targets, [path]: { ...good, ...fields } };
    await thief.signRole('binaries', 7, { targets });
    await thief.signOnline({ binaries: 7 });
    const { stdout, stderr } = await lab.mm(['log']);
    assert.match(stdout, /^\S+ +binaries +put +a\.deb .*$/m);
    assert.match(stdout, /^\S+ +stable +publish /m);
    assert.ok(stderr.includes(`the list of binaries has ${path}, which this mm does not sign`));
    const { changes } = await changed(lab, [...WAYS_BACK['key revoke']!, '--keep']);
    assert.ok(changes.includes(`dropped: ${path}, which mm does not sign`));
    assert.deepEqual(await listed(lab), ['a.deb']);
  }
});

/** Lists the file of one role, which is in the bucket, as that of another. */
async function exchange(lab: CiLab, from: string, to: string, version: number): Promise<void> {
  const bytes = lab.server.get(BUCKET, metadataKey(TREE, `${version}.${from}.json`));
  assert.ok(bytes !== undefined, `${version}.${from}.json`);
  lab.server.put(BUCKET, metadataKey(TREE, `${version}.${to}.json`), bytes);
  await new Thief(lab).signOnline({ [to]: version });
}

async function listed(lab: CiLab): Promise<string[]> {
  const { json, stderr } = await lab.mm(['binaries', 'list', '--json']);
  assert.ok(json !== undefined, stderr);
  return BinariesListAnswer.parse(json).binaries.map(({ name }) => name);
}

async function pollFresh(t: TestContext, lab: CiLab, name: string): Promise<string | undefined> {
  const { trusted } = await (await hostOf(t, lab, name)).poll(['stable']);
  return trusted.environments.get('stable')?.current?.custom.version;
}

test('row 5: --drop-binaries empties also a list of which mm signs nothing', async (t) => {
  for (const targets of [{ 'binaries/files/evil.deb': { ...HASHES, custom: { schema: 9 } } }, 5]) {
    const lab = await binariesLab(t);
    await new Thief(lab).signRole('binaries', 7, { targets });
    await new Thief(lab).signOnline({ binaries: 7 });
    const { json } = await lab.mm(['binaries', 'list', '--json']);
    assert.match(String(ErrorAnswer.parse(json).error.next), /mm key revoke NAME --drop-binaries$/);
    const choice = ['--drop-binaries', '--keep'];
    const { changes } = await changed(lab, [...WAYS_BACK['key revoke']!, ...choice]);
    assert.ok(changes.some((line) => line.startsWith('dropped: all binaries')));
    assert.deepEqual(await listed(lab), []);
  }
});

test('I22 mm names the role in every file of targets and of a delegated role', async (t) => {
  const lab = await binariesLab(t);
  await changed(lab, ['key', 'rotate', '--role', 'testing', '--recover', '--add', 'ci2', '--keep']);
  const files = lab.files().filter((file) => /^\d+\.(targets|env-|binaries)/.test(file));
  assert.ok(files.some((file) => file === '1.env-testing-2.json'));
  for (const file of files) {
    const [, role] = /^\d+\.(.+)\.json$/.exec(file) ?? [];
    assert.equal(lab.metadata(file).signed['x-role'], role, file);
  }
});

test('I22 exchanged files empty no list: mm clean removes nothing, and key rotate --recover is the way back', async (t) => {
  const lab = await binariesLab(t);
  const version = await pollFresh(t, lab, 'before');
  await exchange(lab, 'env-stable', 'binaries', 3);
  const before = snapshotOf(lab.server);
  const later = { now: () => Date.now() + 5 * 86_400_000 };
  for (const args of [
    ['clean', '--yes'],
    ['binaries', 'list'],
    ['publish', 'stable'],
  ]) {
    assert.equal(await codeOf(lab, args, later), 'METADATA_MISMATCH', args.join(' '));
  }
  assert.deepEqual(snapshotOf(lab.server), before);
  const { json } = await lab.mm(['binaries', 'list', '--json']);
  assert.match(String(ErrorAnswer.parse(json).error.next), /--recover --add KEY/);
  await changedWithout(lab, RECOVER, ['3.binaries.json']);
  assert.deepEqual(await listed(lab), ['a.deb']);
  assert.equal(await pollFresh(t, lab, 'after'), version);
});

test('I22 an old file of another role, of an mm that named none, empties no environment: mm renew refuses it', async (t) => {
  const lab = await scene(t);
  await lab.thief.signStable(VERSION, { 'x-role': undefined, targets: {} });
  await lab.thief.signOnline({ 'env-stable': VERSION });
  const before = snapshotOf(lab.server);
  for (const args of [['renew'], ['renew', 'stable'], ['renew', '--finish', 'stable']]) {
    assert.equal(await codeOf(lab, args), 'METADATA_MISMATCH', args.join(' '));
  }
  assert.deepEqual(snapshotOf(lab.server), before);
});

test('I22 the list of binaries as an environment is refused by hosts', async (t) => {
  const lab = await binariesLab(t);
  await exchange(lab, 'binaries', 'env-stable', 2);
  await assert.rejects(pollFresh(t, lab, 'new'), { code: 'METADATA_MISMATCH' });
});

for (const role of ['binaries', 'env-testing']) {
  test(`clean: foreign paths in ${role} keep it from removing anything`, async (t) => {
    const lab = await binariesLab(t);
    const thief = new Thief(lab);
    await thief.signRole(role, 7, { targets: { 'stable/current': HASHES } });
    await thief.signOnline({ [role]: 7 });
    assert.equal(await codeOf(lab, ['clean', '--yes']), 'METADATA_INVALID');
    const done = await lab.mm(['binaries', 'list']);
    assert.equal(done.exitCode === 0, role === 'env-testing');
  });
}

/** About 4.5 MB: hosts read it, and mm does not sign as much. */
function hugeList(): object {
  const custom = { schema: 1, at: '2026-03-01T12:00:00Z', by: 'ci', reason: '' };
  const target = { ...HASHES, custom: { ...custom, more: 'x'.repeat(450_000) } };
  const names = Array.from({ length: 10 }, (_, at) => `binaries/files/${at}.deb`);
  return Object.fromEntries(names.map((name) => [name, target]));
}

test('binaries: what hosts read can be replaced: a list that is too large grows no more, and is dropped', async (t) => {
  const lab = await binariesLab(t);
  const thief = new Thief(lab);
  await thief.signRole('binaries', 7, { targets: hugeList() });
  await thief.signOnline({ binaries: 7 });
  const file = join(lab.directory, 'b.deb');
  await writeFile(file, 'other');
  const before = lab.server.keys(BUCKET);
  assert.equal(await codeOf(lab, ['binaries', 'put', file]), 'USAGE');
  const args = ['key', 'revoke', 'ci', '--replace-by', 'ci2'];
  const { json } = await lab.mm([...args, '--keep', '--json']);
  const { code, next } = ErrorAnswer.parse(json).error;
  assert.equal(code, 'USAGE');
  assert.match(String(next), /--drop-binaries/);
  assert.deepEqual(lab.server.keys(BUCKET), before);
  const { changes } = await changed(lab, [...args, '--drop-binaries', '--keep']);
  assert.ok(changes.some((line) => line.startsWith('dropped: all binaries')));
  assert.deepEqual(await listed(lab), []);
  // Hosts that have not polled yet, and packages of the operator: removed ones stay for 90 days.
  const { signed } = lab.metadata('8.binaries.json');
  assert.equal(signed['x-removed'].length, 10);
  assert.equal((await lab.mm(['binaries', 'put', file])).exitCode, 0);
});

test('binaries: --drop-binaries is refused when another key vouches for the list', async (t) => {
  const lab = await binariesLab(t);
  const args = [...WAYS_BACK['key revoke']!, '--drop-binaries', '--keep'];
  assert.equal(await codeOf(lab, args), 'USAGE');
});
