import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import { changed, newKey } from '../../key-commands.ts';
import type { OperatorLab } from '../../operator-lab.ts';
import { ciLab, ciLabs, Thief } from '../key/theft.ts';
import { moveLab } from '../move/move-lab.ts';

let number = 0;

/** Publishes another content, and returns the version or the code of the error. */
async function publishNew(lab: OperatorLab, ...more: string[]): Promise<string | null> {
  return await publishIn(lab, 'stable', ...more);
}

async function publishIn(lab: OperatorLab, environment: string, ...more: string[]) {
  await lab.commit('manifests/site.pp', `# ${++number}\n`);
  if (environment === 'testing') await lab.git('branch', '--force', 'testing', 'main');
  const done = await lab.mm(['publish', environment, '--no-validate', '--json', ...more]);
  if (done.exitCode === 0) return PublishAnswer.parse(done.json).release.version;
  return ErrorAnswer.parse(done.json).error.code;
}

test('publish: no release gets the version of another one, whatever happened between', async (t) => {
  const lab = await moveLab(t, ['stable', '# a\n'], ['stable', '# b\n'], ['stable', '# c\n']);
  await lab.moved(['rollback', 'stable', '0.1.0', '--yes']);
  await lab.moved(['hold', 'stable', '--reason', 'lunch']);
  await lab.moved(['resume', 'stable']);
  assert.equal(await publishNew(lab, '--version', '0.1.2'), 'USAGE', 'the label of a release');
  assert.equal(await publishNew(lab), '0.1.3', 'after a rollback');
  await lab.commit('manifests/site.pp', '# rolled out\n');
  const rollout = ['rollout', 'stable', '--percent', '5', '--no-validate', '--yes'];
  assert.equal((await lab.moved(rollout)).next?.version, '0.1.4');
  await lab.moved(['rollout', 'halt', 'stable']);
  assert.equal(await publishNew(lab), '0.1.5', 'after a rollout that was halted');
  assert.equal(await publishNew(lab, '--version', '0.0.9', '--reason', 'a test'), '0.0.9');
  assert.equal(await publishNew(lab), '0.1.6', 'after a lower version');
});

test('publish: the versions of a tree that an older mm has signed are read from its files', async (t) => {
  const lab = await ciLab(t);
  assert.equal(await publishNew(lab), '0.1.1');
  assert.equal((await lab.mm(['rollback', 'stable', '--yes'])).exitCode, 0);
  const { version } = lab.metadata('timestamp.json').signed;
  const thief = new Thief(lab);
  const [last = 0] = lab
    .files()
    .flatMap((file) => /^(\d+)\.env-stable\.json$/.exec(file)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
  await thief.signStable(last + 1, { 'x-versions': undefined });
  await thief.signOnline({ 'env-stable': last + 1 });
  assert.equal(lab.metadata('timestamp.json').signed.version, version + 1);
  assert.equal(await publishNew(lab), '0.1.2');
});

const VERSION = 20;

/** Testing has had 0.1.0 and 0.1.1. */
const twoLab = ciLabs(async (lab) => {
  await newKey(lab, 'ci2');
  await publishIn(lab, 'testing');
});

test('labels: a label of a thief leads to no label that is not semver, and to none that was used', async (t) => {
  const last = '999999999999999.999999999999999.999999999999999';
  for (const [claim, wanted] of [
    ['0.1.9007199254740991', '0.1.2'],
    ['0.1.999999999999999', '0.2.0'],
    [last, '0.1.2'],
    ['summer', '0.1.2'],
    [{}, '0.1.2'],
    [undefined, '0.1.2'],
  ]) {
    const lab = await twoLab(t);
    const thief = new Thief(lab);
    const fields = claim === undefined ? { targets: {} } : {};
    const versions = claim === undefined ? null : { testing: claim };
    await thief.signTesting(VERSION, { ...fields, 'x-versions': versions });
    await thief.signOnline({ 'env-testing': VERSION });
    assert.equal(await publishIn(lab, 'testing'), wanted, String(claim));
    assert.deepEqual(thief.signedOf('env-testing')['x-versions'], { testing: wanted });
  }
});

test('labels: after a revocation no release gets the label of an earlier one', async (t) => {
  for (const args of [
    ['key', 'revoke', 'ci', '--replace-by', 'ci2', '--drop', 'testing'],
    ['key', 'revoke', 'ci', '--replace-by', 'ci2', '--back-to', '0.1.0'],
    ['key', 'rotate', '--role', 'testing', '--recover', '--add', 'ci2', '--drop', 'testing'],
  ]) {
    const lab = await twoLab(t);
    await changed(lab, args);
    assert.equal(await publishIn(lab, 'testing'), '0.1.2', args.join(' '));
  }
});

test('labels: after a revocation no claim of the thief brings a used label back', async (t) => {
  const revoke = ['key', 'revoke', 'ci', '--replace-by', 'ci2'];
  const recover = ['key', 'rotate', '--role', 'testing', '--recover', '--add', 'ci2'];
  for (const [args, fields] of [
    [[...revoke, '--keep'], { 'x-versions': { testing: '0.0.1' } }],
    [revoke, { 'x-versions': {}, targets: {} }],
    [[...recover, '--keep'], { 'x-versions': {} }],
  ] as const) {
    const lab = await twoLab(t);
    const thief = new Thief(lab);
    for (const version of [VERSION, VERSION + 1]) {
      await thief.signTesting(version, fields);
      await thief.signOnline({ 'env-testing': version });
    }
    await changed(lab, args);
    assert.equal(await publishIn(lab, 'testing'), '0.1.2', args.join(' '));
  }
});

test('labels: the label of the present release is given to another content only with a reason', async (t) => {
  const lab = await twoLab(t);
  assert.equal(await publishIn(lab, 'testing', '--version', '0.1.1'), 'USAGE');
  const reason = ['--version', '0.1.1', '--reason', 'the same label'];
  assert.equal(await publishIn(lab, 'testing', ...reason), '0.1.1');
});

test('labels: a label that is not semver is not promoted', async (t) => {
  const lab = await twoLab(t);
  const thief = new Thief(lab);
  const { targets } = thief.signedOf('env-testing');
  const now = targets['testing/current'];
  const custom = { ...now.custom, version: '0.1.9007199254740991' };
  await thief.signTesting(VERSION, { targets: { 'testing/current': { ...now, custom } } });
  await thief.signOnline({ 'env-testing': VERSION });
  const { json } = await lab.mm(['promote', 'testing', 'stable', '--yes', '--json']);
  assert.equal(ErrorAnswer.parse(json).error.next, 'mm publish testing');
  assert.equal(await publishIn(lab, 'testing'), '0.1.2');
});
