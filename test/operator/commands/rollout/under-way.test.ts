import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { moveLab } from '../move/move-lab.ts';

const ROLLOUT = ['rollout', 'stable', '--yes', '--no-validate'];

test('rollout: while one is under way, no option can choose another release', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  await lab.commit('manifests/site.pp', '# new\n');
  await lab.moved([...ROLLOUT, '--percent', '5']);
  await lab.git('branch', 'hotfix');
  const files = lab.files();
  for (const other of [
    ['--ref', 'hotfix'],
    ['--version', '9.9.9'],
    ['--from', 'testing'],
  ]) {
    const { json, stderr } = await lab.mm([...ROLLOUT, '--percent', '50', ...other, '--json']);
    const { error } = ErrorAnswer.parse(json, { error: () => stderr });
    assert.equal(error.code, 'USAGE', other.join(' '));
    assert.match(error.message, new RegExp(`under way, of 0\\.1\\.1: ${other[0]} `));
    assert.match(String(error.next), /mm rollout halt stable/);
  }
  assert.deepEqual(lab.files(), files);
});

test('rollout: the same share again changes nothing, and a group is named once', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  await lab.commit('manifests/site.pp', '# new\n');
  const groups = ['--group', 'canary', '--group', 'canary'];
  const share = [...ROLLOUT, '--percent', '5', ...groups];
  const { changes } = await lab.moved(share);
  assert.match(changes.join(), /on 5 % of the hosts and the hosts of canary$/);
  const files = lab.files();
  assert.equal((await lab.moved(share)).outcome, 'unchanged');
  assert.equal((await lab.moved([...ROLLOUT, '--group', 'canary'])).outcome, 'unchanged');
  assert.deepEqual(lab.files(), files);
  const scheduled = [...ROLLOUT, '--schedule', '5% 1h, 100%'];
  for (const outcome of ['committed', 'committed', 'committed']) {
    assert.equal((await lab.moved(scheduled)).outcome, outcome, 'a schedule begins again');
  }
  assert.equal((await lab.moved(share)).outcome, 'committed', 'it ends the schedule');
});
