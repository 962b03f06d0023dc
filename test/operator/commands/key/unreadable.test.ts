import assert from 'node:assert/strict';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { metadataKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer, ReleasesAnswer } from '../../../../operator/answers.ts';
import { changed, changedWithout, codeOf, hostOf, newKey } from '../../key-commands.ts';
import { BUCKET, snapshotOf, TREE } from '../../operator-lab.ts';
import { type CiLab, ciLabs, RECOVER, Thief } from './theft.ts';

/*
 * The thief of an environment's key, of an online key and of the bucket signs what no host can
 * read, in a class that has no earlier release. It concerns that class alone, and the key is
 * revoked.
 */

const VERSION = 7;
const HASHES = { hashes: { sha256: 'ab'.repeat(32) }, length: 1 };
const REVOKE = ['key', 'revoke', 'ci', '--replace-by', 'ci2'];

/** The key of ci is the only one of the class of dev, and of nothing else but the online roles. */
const devLab = ciLabs(async (lab) => {
  await newKey(lab, 'ci2');
  await changed(lab, [
    'key',
    'rotate',
    '--role',
    'testing',
    '--add',
    'operator',
    '--remove',
    'ci',
    '--keep',
  ]);
  await changed(lab, ['key', 'rotate', '--role', 'dev', '--add', 'ci', '--remove', 'operator']);
});

async function signed(t: TestContext, fields: object): Promise<CiLab & { thief: Thief }> {
  const lab = await devLab(t);
  const thief = new Thief(lab);
  await thief.signRole('env-dev', VERSION, fields);
  await thief.signOnline({ 'env-dev': VERSION });
  return { ...lab, thief };
}

const roles = (name: string) => [
  { name, keyids: [], threshold: 1, terminating: true, paths: ['dev/*'] },
];
const UNREADABLE: Readonly<Record<string, { fields: object; warning: RegExp }>> = {
  'a release without custom': {
    fields: { targets: { 'dev/current': HASHES } },
    warning: /hosts refuse dev\/current and keep what they have: .*custom/,
  },
  'a release without hashes': {
    fields: { targets: { 'dev/current': { length: 1 } } },
    warning: /hosts refuse what is signed for dev/,
  },
  'a release that is a number': {
    fields: { targets: { 'dev/current': 5 } },
    warning: /hosts refuse what is signed for dev/,
  },
  'an expiry that is no time': {
    fields: { targets: { 'dev/current': HASHES }, expires: 'never' },
    warning: /hosts refuse what is signed for dev/,
  },
  'delegations to a role that is nowhere': {
    fields: { targets: { 'dev/next': HASHES }, delegations: { keys: {}, roles: roles('evil') } },
    warning: /hosts refuse dev\/next/,
  },
};

/** Commands that concern other environments. */
const OTHERS = [
  ['renew', 'online'],
  ['publish', 'stable', '--no-validate', '--force'],
  ['stop', 'stable', '--reason', 'theft'],
  ['log'],
  ['clean', '--yes'],
  ['key', 'list'],
];

for (const [index, [what, { fields, warning }]] of Object.entries(UNREADABLE).entries()) {
  test(`row 5: ${what}: other environments go on, and the key is revoked`, async (t) => {
    const lab = await signed(t, fields);
    for (const args of index < 2 ? OTHERS : OTHERS.slice(0, 1)) {
      const { exitCode, stderr } = await lab.mm(args);
      assert.equal(exitCode, 0, `${args.join(' ')}: ${stderr}`);
      assert.match(stderr, warning);
    }
    const { json } = await lab.mm(['releases', 'dev', '--json']);
    const found = ReleasesAnswer.parse(json).environments;
    assert.match(found.find(({ environment }) => environment === 'dev')?.refused ?? '', /dev\//);
    const doctor = await lab.mm(['doctor']);
    assert.equal(doctor.exitCode, 1);
    assert.match(doctor.stdout, warning);
    const held = await lab.mm(['hold', 'dev', '--reason', 'theft', '--json']);
    assert.equal(ErrorAnswer.parse(held.json).error.next, 'mm publish dev');

    const { changes } = await changed(lab, REVOKE);
    assert.ok(changes.some((line) => /^dropped .*: dev\/(current|next): /.test(line)));
    const isLost = changes.includes('hosts of dev keep what they have; next: mm publish dev');
    assert.equal(
      isLost,
      changes.some((line) => /^dropped .*: dev\/current: /.test(line)),
    );
    const { trusted } = await (await hostOf(t, lab, 'fresh')).poll(['dev', 'stable']);
    assert.equal(trusted.environments.get('dev')?.current, undefined);
    assert.equal((await lab.mm(['doctor'])).exitCode, 0);
    assert.equal((await lab.mm(['publish', 'dev', '--ref', 'main', '--no-validate'])).exitCode, 0);
  });
}

test('row 5: an environment of a class is published, and what hosts refuse in another one is left out', async (t) => {
  for (const fields of [HASHES, { length: 1 }]) {
    const lab = await signed(t, { targets: { 'dev/current': fields, 'dev_x/current': fields } });
    const { exitCode, stderr } = await lab.mm(['publish', 'dev', '--ref', 'main', '--no-validate']);
    assert.equal(exitCode, 0, stderr);
    const { targets } = lab.metadata(`${VERSION + 1}.env-dev.json`).signed;
    assert.deepEqual(Object.keys(targets), ['dev/current']);
    await (await hostOf(t, lab, 'fresh')).poll(['dev', 'dev_x']);
  }
});

test('row 5: a list instead of releases: other roles go on, also with new online keys, and the key is revoked', async (t) => {
  const lab = await signed(t, { targets: [] });
  await newKey(lab, 'online2');
  for (const args of [['renew', 'online'], RECOVER]) {
    const { exitCode, stderr } = await lab.mm(args);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /hosts refuse what is signed for dev and .*other values/);
  }
  await changed(lab, REVOKE);
  assert.equal((await lab.mm(['doctor'])).exitCode, 0);
  await (await hostOf(t, lab, 'fresh')).poll(['dev', 'stable']);
});

test('row 5: a list instead of releases is not skipped by a recovery', async (t) => {
  const lab = await signed(t, { targets: [] });
  await lab.thief.signOnline({ 'env-stable': 99 });
  await newKey(lab, 'online2');
  await changedWithout(lab, RECOVER, ['99.env-stable.json']);
  assert.equal((await lab.mm(['publish', 'dev', '--ref', 'main', '--no-validate'])).exitCode, 0);
  assert.equal(lab.thief.signedOf('env-dev').version, VERSION + 1);
});

test('row 5: what hosts refuse and other keys signed is not read past', async (t) => {
  for (const [targets, wanted] of [
    [{ 'stable/current': { length: 1 } }, 'METADATA_INVALID'],
    [[], 'METADATA_UNSIGNED'],
  ] as const) {
    const lab = await devLab(t);
    const thief = new Thief(lab);
    await thief.signRole('env-stable', VERSION, { targets });
    await thief.signOnline({ 'env-stable': VERSION });
    const { json } = await lab.mm(['renew', 'online', '--json']);
    const { code, next } = ErrorAnswer.parse(json).error;
    assert.equal(code, wanted);
    assert.match(String(next), /mm key rotate --role online --recover --add KEY$/);
  }
});

const CUSTOM = {
  ...{ schema: 1, version: '6.6.6', release: 'r', commit: null, created: '2026-04-01T00:00:00Z' },
  ...{ by: 'ci', reason: '', hold: false, stop: true, minAgent: null },
};
const names = (count: number) => Array.from({ length: count }, (_, at) => `dev_${at}/current`);
const stops = (count: number) =>
  Object.fromEntries(
    names(count).map((name) => [
      name,
      { ...HASHES, custom: { ...CUSTOM, reason: 'x'.repeat(230) } },
    ]),
  );

test('row 5: releases of a class that are too many to be signed: other roles go on, and --drop is the way back', async (t) => {
  const lab = await signed(t, { targets: stops(9700) });
  const later = { now: () => Date.now() + 150 * 86_400_000 };
  const renewed = await lab.mm(['renew', '--json'], later);
  assert.equal(renewed.exitCode, 0, renewed.stderr);
  assert.match(renewed.stderr, /^dev expires at .*hosts read no more.*--drop ENVIRONMENT$/m);
  assert.ok(renewed.json.objects.some((key: string) => key.endsWith('.env-stable.json')));
  assert.equal(await codeOf(lab, ['renew', 'dev'], later), 'METADATA_INVALID');
  const before = snapshotOf(lab.server);
  for (const [choice, next] of [
    [[], / --drop ENVIRONMENT, or --drop 'PREFIX\*' for a class$/],
    [['--keep'], / --drop 'dev_\*'$/],
  ] as const) {
    const { json } = await lab.mm([...REVOKE, ...choice, '--json'], later);
    const { code, next: found } = ErrorAnswer.parse(json).error;
    assert.equal(code, 'USAGE');
    assert.match(String(found), next);
  }
  assert.deepEqual(snapshotOf(lab.server), before);
  const { changes } = await changed(lab, [...REVOKE, '--drop', 'dev_*'], later);
  assert.ok(changes.includes('dropped: 9600 more releases'));
  await (await hostOf(t, lab, 'fresh', later.now)).poll(['dev_1']);
});

test('row 5: --drop of a class spares what a remaining key has chosen', async (t) => {
  const lab = await devLab(t);
  await changed(lab, ['key', 'rotate', '--role', 'dev', '--add', 'operator']);
  const away = join(lab.directory, 'ci.json');
  await rename(lab.testing, away);
  const published = await lab.mm(['publish', 'dev_a', '--ref', 'main', '--no-validate']);
  assert.equal(published.exitCode, 0, published.stderr);
  await rename(away, lab.testing);
  const { version } = lab.metadata('timestamp.json').signed.meta['snapshot.json'];
  const newest = lab.metadata(`${version}.snapshot.json`).signed.meta['env-dev.json'].version;
  const { targets } = lab.metadata(`${newest}.env-dev.json`).signed;
  const thief = new Thief(lab);
  await thief.signRole('env-dev', newest + 1, { targets: { ...targets, ...stops(2) } });
  await thief.signOnline({ 'env-dev': newest + 1 });
  for (const choice of [
    ['--drop', 'stable'],
    ['--drop', 'dev_1', '--back-to', 'dev_1=1'],
  ]) {
    assert.equal(await codeOf(lab, [...REVOKE, ...choice]), 'USAGE');
  }
  await changed(lab, [...REVOKE, '--drop', 'dev_*', '--keep']);
  const { signed: now } = lab.metadata(`${newest + 2}.env-dev.json`);
  assert.deepEqual(Object.keys(now.targets), ['dev_a/current']);
});

test('row 5: a class of which a recovery found no file is published again', async (t) => {
  const lab = await signed(t, { 'x-tree': 'acme/other' });
  await newKey(lab, 'online2');
  for (const file of lab.files()) {
    if (/^[1-6]\.env-dev\.json$/.test(file)) lab.server.delete(BUCKET, metadataKey(TREE, file));
  }
  // The kept state has a file of it as well.
  await rm(join(lab.repository, '.miyamoto'), { recursive: true });
  await changedWithout(lab, RECOVER, ['7.env-dev.json']);
  const { stderr } = await lab.mm(['key', 'list']);
  assert.match(stderr, /the snapshot lists no file of it; next: mm publish dev$/m);
  assert.equal(await codeOf(lab, ['clean', '--yes']), 'METADATA_MISSING');
  assert.equal(await codeOf(lab, ['hold', 'dev', '--reason', 'r']), 'USAGE');
  assert.equal((await lab.mm(['publish', 'stable', '--no-validate', '--force'])).exitCode, 0);
  const done = await lab.mm(['publish', 'dev_a', '--ref', 'main', '--no-validate']);
  assert.equal(done.exitCode, 0, done.stderr);
  const { trusted } = await (await hostOf(t, lab, 'fresh')).poll(['dev_a', 'stable']);
  assert.equal(trusted.environments.get('dev_a')?.current?.custom.version, '0.1.0');
});
