import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { metadataKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { MAX_VERSION } from '../../../../trust/metadata/version-limits.ts';
import {
  changed,
  changedWithout,
  codeOf,
  type Host,
  hostOf,
  listKeys,
  newKey,
} from '../../key-commands.ts';
import { BUCKET, putBack, snapshotOf, TREE } from '../../operator-lab.ts';
import { type CiLab, ciLabs, RECOVER, Thief } from './theft.ts';

/**
 * What a thief of the online key, or of an environment's key, can do with the bucket; and the way
 * back.
 */

const MISSING_VERSION = 900_000;
const MISSING = `${MISSING_VERSION}.env-testing.json`;
const AGAIN = ['--no-validate', '--force', '--version', '2.0.0'];

interface Scene extends CiLab {
  readonly host: Host;
  readonly thief: Thief;
}

const ciLab = ciLabs(async (lab) => {
  await newKey(lab, 'online2');
  await newKey(lab, 'ci2');
});

async function scene(t: TestContext): Promise<Scene> {
  const lab = await ciLab(t);
  const host = await hostOf(t, lab, 'host');
  await host.poll(['stable', 'testing']);
  return { ...lab, host, thief: new Thief(lab) };
}

async function assertHealthy(t: TestContext, lab: Scene, name: string): Promise<void> {
  for (const environment of ['stable', 'testing']) {
    const { exitCode, stderr } = await lab.mm(['publish', environment, ...AGAIN]);
    assert.equal(exitCode, 0, stderr);
  }
  for (const host of [lab.host, await hostOf(t, lab, name)]) {
    const { trusted } = await host.poll(['stable', 'testing']);
    for (const { current } of trusted.environments.values()) {
      assert.equal(current?.custom.version, '2.0.0');
    }
  }
  assert.equal((await lab.mm(['doctor'])).exitCode, 0);
}

const WAYS_BACK: Readonly<Record<string, readonly string[]>> = {
  'key rotate --recover': RECOVER,
  'key revoke': ['key', 'revoke', 'online1', '--replace-by', 'online2'],
};

for (const [name, args] of Object.entries(WAYS_BACK)) {
  test(`row 4: a snapshot that names a file that does not exist: ${name} is a way back`, async (t) => {
    const lab = await scene(t);
    const honest = snapshotOf(lab.server);
    await lab.thief.signOnline({ 'env-testing': MISSING_VERSION, 'env-ghost': MISSING_VERSION });
    const before = snapshotOf(lab.server);
    // Nothing is built on it, and no command keeps it.
    for (const refused of [
      ['publish', 'stable', ...AGAIN],
      ['publish', 'testing', ...AGAIN],
      ['renew', 'online'],
      ['renew', '--finish', 'online'],
      ['key', 'rotate', '--role', 'stable', '--add', 'ci2'],
      ['releases'],
    ]) {
      assert.equal(await codeOf(lab, refused), 'METADATA_MISSING', refused.join(' '));
    }
    assert.deepEqual(snapshotOf(lab.server), before);
    assert.equal((await lab.mm(['doctor'])).exitCode, 1);
    assert.ok((await listKeys(lab)).keys.some((key) => key.name === 'online1'));
    putBack(lab.server, honest);
    assert.equal((await lab.mm(['releases'])).exitCode, 0, 'the state was poisoned');
    putBack(lab.server, before);

    // A host of stable does not look at testing: it accepts the snapshot.
    await lab.host.poll(['stable']);
    assert.equal((await changedWithout(lab, args, [MISSING])).outcome, 'committed');
    const { meta } = lab.metadata(
      `${lab.metadata('timestamp.json').signed.meta['snapshot.json'].version}.snapshot.json`,
    ).signed;
    assert.ok(meta['env-testing.json'].version < MISSING_VERSION);
    assert.equal(meta['env-ghost.json'], undefined);
    await assertHealthy(t, lab, 'fresh');
  });
}

test('row 4: the same for a publisher who has seen nothing before', async (t) => {
  const lab = await scene(t);
  await lab.thief.signOnline({ 'env-testing': MISSING_VERSION });
  await rm(join(lab.repository, '.miyamoto'), { recursive: true });
  assert.equal((await changedWithout(lab, RECOVER, [MISSING])).outcome, 'committed');
  await assertHealthy(t, lab, 'fresh');
});

test('row 4: a recovery that ended half-way is finished by mm renew --finish', async (t) => {
  const lab = await scene(t);
  await lab.thief.signOnline({ 'env-testing': MISSING_VERSION });
  const match = { method: 'PUT', key: metadataKey(TREE, 'timestamp.json') };
  lab.server.faults.add({ kind: 'status', status: 403, code: 'AccessDenied', match, times: 1 });
  assert.equal(await codeOf(lab, [...RECOVER, '--without', MISSING]), 'S3_ACCESS_DENIED');
  const { outcome } = await changedWithout(lab, ['renew', '--finish', '--trust-bucket'], [MISSING]);
  assert.equal(outcome, 'committed');
  await assertHealthy(t, lab, 'fresh');
});

const JUNK: Readonly<Record<string, (lab: Scene) => Promise<void> | void>> = {
  'a timestamp that is junk': ({ server }) => {
    server.put(BUCKET, metadataKey(TREE, 'timestamp.json'), 'junk');
  },
  'a timestamp that is gone': ({ server }) => {
    server.delete(BUCKET, metadataKey(TREE, 'timestamp.json'));
  },
  'a timestamp that is too large': ({ server }) => {
    server.put(BUCKET, metadataKey(TREE, 'timestamp.json'), Buffer.alloc(5 * 1024 ** 2));
  },
  'a snapshot that drops an environment': ({ thief }) => thief.signOnline({ 'env-testing': 1 }),
  'versions above every limit': ({ thief }) =>
    thief.signOnline({}, { timestamp: Number.MAX_SAFE_INTEGER, snapshot: 2 ** 40 }),
  'a leap of the snapshot': ({ thief }) => thief.signOnline({}, { snapshot: 5_000_000 }),
};

for (const [name, forge] of Object.entries(JUNK)) {
  test(`row 4: ${name}: new online keys are a way back, and nothing else signs on top of it`, async (t) => {
    const lab = await scene(t);
    await forge(lab);
    const before = snapshotOf(lab.server);
    await codeOf(lab, ['publish', 'stable', ...AGAIN]);
    await codeOf(lab, ['key', 'rotate', '--role', 'stable', '--add', 'ci2']);
    assert.deepEqual(snapshotOf(lab.server), before);
    const isNamed = name.startsWith('a leap');
    const { versions } = await (isNamed
      ? changed(lab, RECOVER)
      : changedWithout(lab, RECOVER, ['timestamp.json']));
    assert.equal(versions?.['timestamp'], 1);
    await assertHealthy(t, lab, 'fresh');
  });
}

test('row 5: an environment at the last version begins again under another name, and hosts follow', async (t) => {
  const lab = await scene(t);
  const version = MAX_VERSION;
  await lab.thief.signTesting(version);
  await lab.thief.signOnline({ 'env-testing': version });
  // Who has seen nothing before has no step to measure.
  await rm(join(lab.repository, '.miyamoto'), { recursive: true });
  const saw = await hostOf(t, lab, 'saw');
  assert.equal((await saw.poll(['testing'])).trusted.versions['env-testing'], version);
  const { exitCode, json } = await lab.mm(['publish', 'testing', ...AGAIN, '--json']);
  assert.notEqual(exitCode, 0);
  const { next } = ErrorAnswer.parse(json).error;
  const [printed = ''] =
    /mm key rotate --role testing --recover --add KEY/.exec(String(next)) ?? [];
  const args = printed.replace('KEY', 'ci2').split(' ').slice(1);
  assert.equal(await codeOf(lab, args), 'USAGE');
  const old = [...args.slice(0, -1), 'ci', '--keep'];
  assert.equal(await codeOf(lab, old), 'USAGE');
  const { outcome, versions } = await changed(lab, [...args, '--back-to', '0.1.0']);
  assert.deepEqual([outcome, versions?.['env-testing-2']], ['committed', 1]);
  for (const host of [saw, await hostOf(t, lab, 'late')]) {
    const { trusted } = await host.poll(['stable', 'testing']);
    assert.equal(trusted.environments.get('testing')?.current?.custom.version, '0.1.0');
  }
  // A host that saw only low versions refuses the leap that the thief of the online key signed.
  await assert.rejects(lab.host.poll(['testing']), { code: 'METADATA_INVALID' });
  await changed(lab, RECOVER);
  // The old key and the old name count for nothing; the next recovery takes another name.
  await assertHealthy(t, lab, 'fresh');
  await newKey(lab, 'ci3');
  const again = [...args.slice(0, -1), 'ci3', '--keep'];
  assert.equal((await changed(lab, again)).versions?.['env-testing-3'], 1);
  await assertHealthy(t, lab, 'fresh again');
});

test('row 5: targets at the last version begin again with new online keys, and hosts follow', async (t) => {
  const lab = await scene(t);
  await lab.thief.signTargets(MAX_VERSION);
  await lab.thief.signOnline({ targets: MAX_VERSION });
  await rm(join(lab.repository, '.miyamoto'), { recursive: true });
  const saw = await hostOf(t, lab, 'saw');
  assert.equal((await saw.poll(['testing'])).trusted.versions['targets'], MAX_VERSION);
  const add = ['key', 'rotate', '--role', 'testing', '--add', 'ci2'];
  const { json } = await lab.mm([...add, '--json']);
  const { next } = ErrorAnswer.parse(json).error;
  assert.match(String(next), /mm key rotate --role online --recover --add KEY/);
  const { versions } = await changed(lab, RECOVER);
  assert.ok((versions?.['targets'] ?? MAX_VERSION) < 100);
  for (const host of [saw, lab.host]) {
    assert.equal((await host.poll(['testing'])).trusted.versions['targets'], versions?.['targets']);
  }
  await changed(lab, ['key', 'revoke', 'safe', '--replace-by', 'ci2']);
  await assertHealthy(t, lab, 'fresh');
});

test('row 5: an environment signed at version 2^53-1 is refused by hosts, and its key is revoked', async (t) => {
  const lab = await scene(t);
  const version = Number.MAX_SAFE_INTEGER;
  await lab.thief.signTesting(version);
  await lab.thief.signOnline({ 'env-testing': version });
  await assert.rejects(lab.host.poll(['testing']), { code: 'METADATA_INVALID' });
  assert.equal(await codeOf(lab, ['publish', 'testing', ...AGAIN]), 'METADATA_INVALID');
  await changedWithout(lab, RECOVER, ['timestamp.json']);
  await changed(lab, ['key', 'revoke', 'ci', '--replace-by', 'ci2', '--keep']);
  await assertHealthy(t, lab, 'fresh');
});

test('row 4: a snapshot that leaves out an environment: who has seen nothing builds nothing on it', async (t) => {
  const lab = await scene(t);
  const targets = { 'targets.json': { version: lab.thief.signedOf('targets').version } };
  await lab.thief.signOnline({}, {}, { snapshot: { meta: targets } });
  await rm(join(lab.repository, '.miyamoto'), { recursive: true });
  for (const args of [
    ['publish', 'stable', ...AGAIN],
    ['renew', '--trust-bucket', 'online'],
  ]) {
    const { code, next } = ErrorAnswer.parse((await lab.mm([...args, '--json'])).json).error;
    assert.equal(code, 'METADATA_MISSING');
    assert.match(String(next), /mm key rotate --role online --recover --add KEY$/);
  }
  const roles = ['env-stable.json', 'env-testing.json', 'env-dev.json'];
  const { stderr } = await lab.mm(RECOVER);
  const found =
    'testing version \\d+: testing/current 0.1.0 .*, first remove \\d+.env-testing.json';
  assert.match(stderr, new RegExp(`does not list env-testing.json; mm would go on with ${found}`));
  await changedWithout(lab, RECOVER, roles);
  const { trusted } = await (await hostOf(t, lab, 'after')).poll(['stable', 'testing']);
  assert.equal(trusted.environments.get('testing')?.current?.custom.version, '0.1.0');
  await assertHealthy(t, lab, 'fresh');
});
