import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ErrorAnswer, ReleasesAnswer } from '../../../../operator/answers.ts';
import { select } from '../../../../trust/selection.ts';
import { changed, codeOf, hostOf, newKey } from '../../key-commands.ts';
import { type CiLab, ciLabs, Thief } from './theft.ts';

/*
 * The thief of the key for testing signs fields that keep every host from taking releases. mm names
 * them, and no command carries them on.
 */

const VERSION = 20;
const HOST = { certname: 'web1.example.com', groups: [], agentVersion: '1.0.0' };

const ciLab = ciLabs(async (lab) => {
  await newKey(lab, 'ci2');
  await lab.commit('manifests/site.pp', 'node default { notify { "b": } }\n');
  await lab.git('branch', '--force', 'testing', 'main');
  await lab.mm(['publish', 'testing', '--no-validate']);
});

/** The present release with other fields in `custom`, and the one before with the same fields. */
async function signed(t: TestContext, fields: object): Promise<CiLab> {
  const lab = await ciLab(t);
  const thief = new Thief(lab);
  const now = thief.signedOf('env-testing').targets['testing/current'];
  const [before] = (await releasesOf(lab)).history;
  const { sha256, length } = before!.release;
  const earlier = { ...now, length, hashes: { sha256 } };
  for (const [version, target, custom] of [
    [VERSION, earlier, { ...now.custom, version: '0.1.0', created: '2026-03-01T12:00:00Z' }],
    [VERSION + 1, now, { ...now.custom, change: { ...now.custom.change, after: VERSION } }],
  ]) {
    const current = { ...target, custom: { ...custom, ...fields } };
    await thief.signTesting(version, { targets: { 'testing/current': current } });
  }
  await thief.signOnline({ 'env-testing': VERSION + 1 });
  return lab;
}

async function releasesOf(lab: CiLab): Promise<ReleasesAnswer['environments'][number]> {
  const { json } = await lab.mm(['releases', 'testing', '--json']);
  const [only] = ReleasesAnswer.parse(json).environments;
  assert.ok(only !== undefined);
  return only;
}

async function kindOnHost(t: TestContext, lab: CiLab, environment: string): Promise<string> {
  const { trusted } = await (await hostOf(t, lab, environment)).poll([environment]);
  return select(trusted.environments.get(environment)!, HOST).kind;
}

test('held back: minAgent of a thief is named, and removed by publish, rollback and promote', async (t) => {
  const named = /only for agents from "99\.0\.0" on/;
  for (const [environment, args] of [
    ['testing', ['publish', 'testing', '--no-validate']],
    ['testing', ['rollback', 'testing', '0.1.0', '--yes']],
    ['stable', ['promote', 'testing', 'stable', '--yes', '--no-rebuild']],
  ] as const) {
    const lab = await signed(t, { minAgent: '99.0.0' });
    assert.equal(await kindOnHost(t, lab, 'testing'), 'hold');
    const { exitCode, stderr } = await lab.mm(args);
    assert.equal(exitCode, 0, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, /testing\/current .*only for agents from .*next: mm publish testing$/m);
    assert.equal(await kindOnHost(t, lab, environment), 'run', args.join(' '));
  }
  const lab = await signed(t, { minAgent: '99.0.0' });
  assert.match((await lab.mm(['releases'])).stdout, named);
  assert.equal((await releasesOf(lab)).current?.minAgent, '99.0.0');
  assert.match((await lab.mm(['doctor'])).stdout, named);
  const revoke = ['key', 'revoke', 'ci', '--replace-by', 'ci2'];
  const { json } = await lab.mm([...revoke, '--json']);
  assert.match(ErrorAnswer.parse(json).error.message, /only for agents from 99\.0\.0 on/);
});

test('held back: a schema of a thief names the way back, and it works', async (t) => {
  const lab = await signed(t, { schema: 2 });
  const way = /mm key revoke NAME --back-to RELEASE, or --drop testing$/m;
  for (const args of [
    ['publish', 'testing', '--no-validate'],
    ['hold', 'testing', '--reason', 'r'],
    ['rollback', 'testing', '--yes'],
    ['promote', 'testing', 'stable', '--yes'],
  ]) {
    const { json } = await lab.mm([...args, '--json']);
    const { code, next } = ErrorAnswer.parse(json).error;
    assert.equal(code, 'METADATA_INVALID', args.join(' '));
    assert.match(String(next), way, args.join(' '));
  }
  assert.match((await lab.mm(['releases'])).stdout, /a newer mm signed it, or the thief of a key/);
  for (const args of [
    ['renew', 'online'],
    ['publish', 'stable', '--no-validate', '--force'],
  ]) {
    const { exitCode, stderr } = await lab.mm(args);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, way);
  }
  const revoke = ['key', 'revoke', 'ci', '--replace-by', 'ci2'];
  assert.equal(await codeOf(lab, [...revoke, '--keep']), 'USAGE');
  await changed(lab, [...revoke, '--back-to', '0.1.1']);
  assert.equal(await kindOnHost(t, lab, 'testing'), 'run');
});
