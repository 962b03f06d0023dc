import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EnvironmentAnswer } from '../../../operator/answers.ts';
import { BUCKET, initialized } from '../workshop.ts';

const ADD = ['environment', 'add', 'qa', '--json'];
const PUBLISH = ['publish', 'qa', '--ref', 'main', '--no-validate', '--json'];

test('environment add: hosts of the new one can follow, those of the others notice nothing', async (t) => {
  const workshop = await initialized(t);
  await workshop.mm(['publish', 'stable', '--no-validate']);
  const before = workshop.metadata('1.targets.json').signed.delegations;
  assert.equal((await workshop.mm(PUBLISH)).exitCode, 1);
  const noop = EnvironmentAnswer.parse((await workshop.mm([...ADD, '--noop'])).json);
  assert.deepEqual([noop.outcome, workshop.files().includes('2.targets.json')], ['noop', false]);

  const { exitCode, json, stderr } = await workshop.mm(ADD);
  assert.equal(exitCode, 0, stderr);
  const answer = EnvironmentAnswer.parse(json);
  assert.deepEqual(
    [answer.outcome, answer.like, answer.objects],
    ['added', 'stable', noop.objects],
  );
  const { keys, roles } = workshop.metadata('2.targets.json').signed.delegations;
  assert.deepEqual(keys, before.keys);
  const [stable] = before.roles;
  assert.deepEqual(roles, [...before.roles, { ...stable, name: 'env-qa', paths: ['qa/*'] }]);
  assert.equal((await workshop.mm(PUBLISH)).exitCode, 0);
  const meta = workshop.metadata('4.snapshot.json').signed.meta;
  assert.equal(meta['env-stable.json'].version, 2);
});

test('environment add: one that is there, or a short-lived one, changes nothing', async (t) => {
  const workshop = await initialized(t);
  const objects = workshop.server.keys(BUCKET);
  for (const name of ['testing', 'dev_ann']) {
    const { json } = await workshop.mm(['environment', 'add', name, '--json']);
    assert.equal(EnvironmentAnswer.parse(json).outcome, 'unchanged');
  }
  assert.deepEqual(workshop.server.keys(BUCKET), objects);
});

test('environment add: a name that Puppet does not take is a usage error', async (t) => {
  const workshop = await initialized(t);
  assert.equal((await workshop.mm(['environment', 'add', 'sta-ble'])).exitCode, 2);
  assert.equal((await workshop.mm(['environment', 'add', 'qa', '--like', 'nope'])).exitCode, 1);
});
