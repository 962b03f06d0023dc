import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import type { OperatorLab } from '../../operator-lab.ts';
import { ciLab, Thief } from '../key/theft.ts';
import { moveLab } from '../move/move-lab.ts';

let number = 0;

/** Publishes another content, and returns the version or the code of the error. */
async function publishNew(lab: OperatorLab, ...more: string[]): Promise<string | null> {
  await lab.commit('manifests/site.pp', `# ${++number}\n`);
  const done = await lab.mm(['publish', 'stable', '--no-validate', '--json', ...more]);
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
