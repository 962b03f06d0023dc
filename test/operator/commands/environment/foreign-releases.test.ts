import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PruneAnswer, ReleasesAnswer } from '../../../../operator/answers.ts';
import { LogAnswer } from '../../../../operator/move-answers.ts';
import { type CiLab, ciLabs, Thief } from '../key/theft.ts';

/*
 * The thief of a class's key lists releases of environments that are not of the class. Hosts do not
 * hear them. Operators must not either: `mm environment prune` would sign what they say.
 */

const CLASS = 'env-feature_-class';
const VERSION = 20;

/** The class `feature_*` with CI's key, and dev_alice, which is stopped and has no branch. */
const classLab = ciLabs(async (lab) => {
  const run = async (...args: string[]) => {
    const { exitCode, stderr } = await lab.mm(args);
    assert.equal(exitCode, 0, stderr);
  };
  await run('environment', 'add', 'feature_*');
  const swap = ['--add', 'ci', '--remove', 'operator'];
  await run('key', 'rotate', '--role', 'feature_*', ...swap);
  await run('publish', 'dev_alice', '--ref', 'main', '--no-validate');
  await run('stop', 'dev_alice', '--reason', 'broken');
});

/** The thief lists another release of dev_alice under these paths. */
async function scene(t: TestContext, ...paths: string[]): Promise<CiLab> {
  const lab = await classLab(t);
  const version = lab.files().filter((file) => file.endsWith('.env-dev.json')).length;
  const honest = lab.metadata(`${version}.env-dev.json`).signed.targets['dev_alice/current'];
  const { change: _, ...custom } = honest.custom;
  const by = { by: 'eve', stop: false, branch: 'gone', version: '6.6.6' };
  const target = { ...honest, custom: { ...custom, ...by } };
  const targets = Object.fromEntries(paths.map((path) => [path, target]));
  const thief = new Thief(lab);
  await thief.signRole(CLASS, VERSION, { targets });
  await thief.signOnline({ [CLASS]: VERSION });
  return lab;
}

test('I21 prune: the key of a class removes no environment of another one', async (t) => {
  const lab = await scene(t, 'dev_alice/current');
  const files = lab.files();
  const { json, stderr } = await lab.mm(['environment', 'prune', '--yes', '--json']);
  assert.deepEqual(json?.gone, [], stderr);
  assert.equal(PruneAnswer.parse(json).outcome, 'unchanged');
  assert.deepEqual(lab.files(), files);
});

test('I21 releases, log: the key of a class says nothing about other environments', async (t) => {
  const lab = await scene(t, 'stable/current', 'dev_alice/current');
  const { json } = await lab.mm(['releases', '--json']);
  const { environments } = ReleasesAnswer.parse(json);
  const shown = environments.map(({ environment, current }) => [environment, current?.version]);
  assert.deepEqual(shown, [
    ['stable', '0.1.0'],
    ['testing', '0.1.0'],
    ['dev_alice', '0.1.0'],
  ]);
  const { entries } = LogAnswer.parse((await lab.mm(['log', '--json'])).json);
  const others = entries.filter(({ by }) => by === 'eve');
  assert.deepEqual(others, []);
});
