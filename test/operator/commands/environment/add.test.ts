import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnvironmentAnswer } from '../../../../operator/answers.ts';
import { BUCKET, initialized } from '../../operator-lab.ts';

const ADD = ['environment', 'add', 'qa', '--json'];
const PUBLISH = ['publish', 'qa', '--ref', 'main', '--no-validate', '--json'];

test('environment add: hosts of the new one can follow, those of the others notice nothing', async (t) => {
  const lab = await initialized(t);
  await lab.mm(['publish', 'stable', '--no-validate']);
  const before = lab.metadata('1.targets.json').signed.delegations;
  assert.equal((await lab.mm(PUBLISH)).exitCode, 1);
  const noop = EnvironmentAnswer.parse((await lab.mm([...ADD, '--noop'])).json);
  assert.deepEqual([noop.outcome, lab.files().includes('2.targets.json')], ['noop', false]);

  const { exitCode, json, stderr } = await lab.mm(ADD);
  assert.equal(exitCode, 0, stderr);
  const answer = EnvironmentAnswer.parse(json);
  assert.deepEqual(
    [answer.outcome, answer.like, answer.objects],
    ['added', 'stable', noop.objects],
  );
  const { keys, roles } = lab.metadata('2.targets.json').signed.delegations;
  assert.deepEqual(keys, before.keys);
  const [stable] = before.roles;
  assert.deepEqual(roles, [...before.roles, { ...stable, name: 'env-qa', paths: ['qa/*'] }]);
  assert.equal((await lab.mm(PUBLISH)).exitCode, 0);
  const meta = lab.metadata('4.snapshot.json').signed.meta;
  assert.equal(meta['env-stable.json'].version, 2);
});

test('environment add: one that is there, or a short-lived one, changes nothing', async (t) => {
  const lab = await initialized(t);
  const objects = lab.server.keys(BUCKET);
  for (const name of ['testing', 'dev_ann']) {
    const { json } = await lab.mm(['environment', 'add', name, '--json']);
    assert.equal(EnvironmentAnswer.parse(json).outcome, 'unchanged');
  }
  assert.deepEqual(lab.server.keys(BUCKET), objects);
});

test('environment add: a name that Puppet does not take is a usage error', async (t) => {
  const lab = await initialized(t);
  assert.equal((await lab.mm(['environment', 'add', 'sta-ble'])).exitCode, 2);
  assert.equal((await lab.mm(['environment', 'add', 'qa', '--like', 'nope'])).exitCode, 1);
});
