import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { SignAnswer } from '../../../../operator/answers.ts';
import { changed, hostOf, keysOf, newKey } from '../../key-commands.ts';
import { initialized } from '../../operator-lab.ts';
import { ciLabs, Thief } from './theft.ts';

/*
 * The role of the environment `2024` ends like the role of an environment that began again:
 * `env-2024`, `env-stable-2`.
 */

test('I18 an environment of digits only: its keys change, and it begins again', async (t) => {
  const lab = await initialized(t);
  for (const name of ['2024', 'env']) await lab.mm(['environment', 'add', name]);
  await lab.mm(['publish', '2024', '--ref', 'main', '--no-validate']);
  const host = await hostOf(t, lab, 'web1');
  await host.poll(['2024']);
  for (const name of ['ann', 'bob']) await newKey(lab, name);

  const proposal = join(lab.directory, 'p.json');
  const rotate = ['key', 'rotate', '--role', '2024', '--add'];
  await changed(lab, [...rotate, 'ann', '--out', proposal]);
  const { json } = await lab.mm(['root', 'sign', proposal, '--noop', '--json']);
  const lines = SignAnswer.parse(json).changes.filter((line) => line.includes('+ key'));
  assert.deepEqual(
    lines.map((line) => line.trim().split(' ')[0]),
    ['2024:'],
  );

  const { changes } = await changed(lab, ['renew', '2024']);
  assert.deepEqual(changes, ['2024: unchanged, signed again']);
  await changed(lab, [...rotate, 'bob', '--recover', '--keep']);
  const roles = lab.metadata('4.targets.json').signed.delegations.roles as { name: string }[];
  assert.deepEqual(roles.map(({ name }) => name).slice(-2), ['env-2024-2', 'env-env']);
  assert.equal((await lab.mm(['environment', 'add', '2'])).exitCode, 0);
  await changed(lab, ['renew', '2024']);
  const { trusted } = await host.poll(['2024', '2']);
  assert.equal(trusted.environments.get('2024')?.current?.custom.version, '0.1.0');
  assert.deepEqual(
    ['2024', '2'].map((name) => trusted.environments.get(name)?.role),
    ['env-2024-2', 'env-2'],
  );
});

/** What an older mm made of the role of `2024` when it began again. */
const oldNames = ciLabs(async (lab) => {
  await lab.mm(['environment', 'add', '2024']);
  await lab.mm(['publish', '2024', '--ref', 'main', '--no-validate']);
  await newKey(lab, 'ann');
});

test('I18 a role env-2 of the environment 2024 is found by both names, and begins again as env-2024', async (t) => {
  const lab = await oldNames(t);
  const thief = new Thief({ ...lab, testing: join(keysOf(lab), 'operator.json') });
  const { delegations } = thief.signedOf('targets');
  const roles = (delegations.roles as { name: string }[]).map((role) =>
    role.name === 'env-2024' ? { ...role, name: 'env-2' } : role,
  );
  const { targets } = thief.signedOf('env-2024');
  await thief.signTargets(4, { delegations: { ...delegations, roles } });
  await thief.signRole('env-2024', 7, { 'x-role': 'env-2', targets }, 'env-2');
  await thief.signOnline({ targets: 4, 'env-2': 7 });
  for (const name of ['2', '2024', 'env-2']) {
    const { changes } = await changed(lab, ['renew', name]);
    assert.deepEqual(changes, ['2: unchanged, signed again']);
  }
  assert.equal((await lab.mm(['doctor'])).exitCode, 0);
  await changed(lab, ['key', 'rotate', '--role', '2', '--recover', '--add', 'ann', '--keep']);
  assert.equal((await lab.mm(['environment', 'add', '2'])).exitCode, 0);
  const { trusted } = await (await hostOf(t, lab, 'web1')).poll(['2024', '2']);
  assert.equal(trusted.environments.get('2024')?.current?.custom.version, '0.1.0');
  assert.equal(trusted.environments.get('2024')?.role, 'env-2024-2');
});
