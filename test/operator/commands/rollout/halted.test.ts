import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moveLab } from '../move/move-lab.ts';

const ROLLOUT = ['rollout', 'stable', '--yes', '--no-validate'];

test('rollout: a commit whose rollout was halted is not offered again without a question', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  await lab.commit('manifests/site.pp', 'node default { notify { "new": } }\n');
  await lab.moved([...ROLLOUT, '--percent', '25']);
  await lab.moved(['rollout', 'halt', 'stable', '--reason', 'it breaks ntp']);
  await lab.moved(['hold', 'stable', '--reason', 'it is Friday']);
  const { stdout } = await lab.mm(['rollout', 'status', 'stable']);
  assert.match(stdout, /on hold: .*it is Friday/);
  await lab.moved(['resume', 'stable']);
  const again = [
    [...ROLLOUT, '--percent', '5'],
    ['publish', 'stable', '--no-validate'],
  ];
  const files = lab.files();
  for (const args of again) {
    const { code, message, next } = await lab.refused(args);
    assert.deepEqual([code, next], ['NOT_CONFIRMED', 'the same command with --despite-halt']);
    assert.match(message, /as 0\.1\.1, was halted at \S+Z by .*: it breaks ntp/);
    const shown = await lab.mm([...args, '--noop']);
    assert.equal(shown.exitCode, 1, 'it would be refused');
    assert.match(shown.stderr, /without a terminal this needs --despite-halt/);
    const agreed = await lab.mm([...args, '--noop', '--despite-halt']);
    assert.equal(agreed.exitCode, 0);
  }
  assert.deepEqual(lab.files(), files, 'nothing was signed');
  await lab.moved([...ROLLOUT, '--percent', '5', '--despite-halt']);
  await lab.commit('manifests/site.pp', '# repaired\n');
  await lab.moved(['rollout', 'halt', 'stable']);
  const repaired = await lab.moved([...ROLLOUT, '--percent', '100']);
  assert.equal(repaired.outcome, 'committed', 'another commit needs no agreement');
});
