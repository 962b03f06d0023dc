import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { SignAnswer } from '../../../../operator/answers.ts';
import { changed, hostOf, newKey } from '../../key-commands.ts';
import { initialized } from '../../operator-lab.ts';

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
