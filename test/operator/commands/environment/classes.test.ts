import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  EnvironmentAnswer,
  ErrorAnswer,
  PruneAnswer,
  PublishAnswer,
  ReleasesAnswer,
} from '../../../../operator/answers.ts';
import { KeyListAnswer } from '../../../../operator/key-answers.ts';
import { newKey } from '../../key-commands.ts';
import { git, initialized, type OperatorLab } from '../../operator-lab.ts';

const CLASS = 'env-feature_-class';
const publish = (...args: string[]) => ['publish', ...args, '--no-validate', '--json'];

/** A tree with the class `feature_*`, and branches `feature/x-1` and `feature/y`. */
async function withClass(t: TestContext): Promise<OperatorLab> {
  const lab = await initialized(t);
  for (const branch of ['feature/x-1', 'feature/y']) {
    await lab.git('checkout', '--quiet', '-b', branch, 'main');
    await lab.commit('branch', `${branch}\n`);
  }
  await lab.git('checkout', '--quiet', 'main');
  const { exitCode, stderr } = await lab.mm(['environment', 'add', 'feature_*']);
  assert.equal(exitCode, 0, stderr);
  return lab;
}

const targetsOf = (lab: OperatorLab, version: number) =>
  Object.keys(lab.metadata(`${version}.${CLASS}.json`).signed.targets);

test('classes: feature/x-1 becomes feature_x_1 without a new root or targets', async (t) => {
  const lab = await withClass(t);
  const { roles } = lab.metadata('2.targets.json').signed.delegations;
  const [stable] = roles;
  assert.deepEqual(roles.at(-1), { ...stable, name: CLASS, paths: ['feature_*/*'] });
  const first = await lab.mm(publish('feature/x-1'));
  const { environment, release, versions } = PublishAnswer.parse(first.json);
  assert.deepEqual([environment, release.branch], ['feature_x_1', 'feature/x-1'], first.stderr);
  // The environment's own name finds its branch as well.
  await lab.mm(publish('feature_y'));
  assert.deepEqual(targetsOf(lab, 3), ['feature_x_1/current', 'feature_y/current']);
  assert.deepEqual([versions?.['root'], versions?.['targets']], [1, 2]);
  assert.equal(lab.files().includes('3.targets.json'), false);
});

test('I21 the key of the class publishes its branches, and no environment outside of it', async (t) => {
  const lab = await withClass(t);
  await newKey(lab, 'ci');
  const args = ['key', 'rotate', '--role', 'feature_*', '--add', 'ci', '--remove', 'operator'];
  const rotated = await lab.mm(args);
  assert.equal(rotated.exitCode, 0, rotated.stderr);
  const done = await lab.mm(publish('feature/x-1'));
  assert.equal(done.exitCode, 0, done.stderr);
  const [signature, ...others] = lab.metadata(`3.${CLASS}.json`).signatures;
  const { keys } = KeyListAnswer.parse((await lab.mm(['key', 'list', '--json'])).json);
  assert.equal(keys.find(({ keyId }) => keyId === signature?.keyid)?.name, 'ci');
  assert.deepEqual(others, []);

  // The operator's key has gone from the class, and the class's key is in nothing else.
  await rm(join(lab.directory, 'home/.config/miyamoto/keys/acme/ubuntu/operator.json'));
  const files = lab.files();
  for (const environment of ['stable', 'dev_x']) {
    const { json } = await lab.mm(publish(environment, '--ref', 'main'));
    assert.equal(ErrorAnswer.parse(json).error.code, 'KEY_MISSING');
  }
  assert.deepEqual(lab.files(), files);
});

const refusals: Record<string, { args: readonly string[]; code: string; message: RegExp }> = {
  'a class that covers an environment with its own role': {
    args: ['environment', 'add', 'qa_*'],
    code: 'USAGE',
    message: /qa_\* and qa_1 would share/,
  },
  'a class inside another one': {
    args: ['environment', 'add', 'feature_old_*'],
    code: 'USAGE',
    message: /feature_old_\* and feature_\* would share/,
  },
  'an environment of a class with keys of its own': {
    args: ['environment', 'add', 'feature_prod', '--like', 'stable'],
    code: 'USAGE',
    message: /feature_prod and feature_\* would share/,
  },
  'a class that could take other environments by accident': {
    args: ['environment', 'add', 'st*'],
    code: 'USAGE',
    message: /ends with "_\*"/,
  },
  'a branch outside of every class': {
    args: publish('bugfix/z'),
    code: 'ENVIRONMENT_UNKNOWN',
    message: /no key may publish environment bugfix_z/,
  },
  'a branch that becomes an environment with its own role': {
    args: publish('qa/1'),
    code: 'ENVIRONMENT_UNKNOWN',
    message: /qa_1, which has a role of its own/,
  },
  'a name that is neither an environment nor a branch': {
    args: publish('feature/nope'),
    code: 'ENVIRONMENT_UNKNOWN',
    message: /no branch of that name/,
  },
};

for (const [name, { args, code, message }] of Object.entries(refusals)) {
  test(`classes: ${name} is refused`, async (t) => {
    const lab = await withClass(t);
    await lab.mm(['environment', 'add', 'qa_1']);
    for (const branch of ['bugfix/z', 'qa/1']) await lab.git('branch', branch);
    const files = lab.files();
    const { json } = await lab.mm(args.includes('--json') ? args : [...args, '--json']);
    const { error } = ErrorAnswer.parse(json);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.deepEqual(lab.files(), files);
  });
}

test('classes: two branches that become one environment do not replace each other', async (t) => {
  const lab = await withClass(t);
  await lab.mm(publish('feature/x-1'));
  await lab.git('branch', 'feature/x_1');
  const both = ErrorAnswer.parse((await lab.mm(publish('feature/x-1'))).json).error;
  assert.match(both.message, /become one environment, feature_x_1: feature\/x-1, feature\/x_1/);
  // Another clone has only the other one.
  await lab.git('branch', '-m', 'feature/x-1', 'old');
  const other = ErrorAnswer.parse((await lab.mm(publish('feature/x_1'))).json).error;
  assert.match(other.message, /was published from branch feature\/x-1/);
});

test('classes: mm releases, key list and doctor show the class and its environments', async (t) => {
  const lab = await withClass(t);
  await lab.mm(publish('feature/x-1'));
  const { environments } = ReleasesAnswer.parse((await lab.mm(['releases', '--json'])).json);
  const shown = environments.map(({ environment, current }) => [environment, current?.branch]);
  assert.deepEqual(shown.at(-1), ['feature_x_1', 'feature/x-1']);
  assert.match((await lab.mm(['releases'])).stdout, /feature_x_1 .*branch feature\/x-1/);
  const { roles, keys } = KeyListAnswer.parse((await lab.mm(['key', 'list', '--json'])).json);
  assert.deepEqual(roles.find(({ role }) => role === CLASS)?.covers, ['feature_*']);
  assert.ok(keys[0]?.roles.includes('feature_*') || keys[1]?.roles.includes('feature_*'));
  for (const command of [['key', 'list'], ['doctor']]) {
    assert.match((await lab.mm(command)).stdout, /^feature_\* +feature_\* /m);
  }
  const renewed = await lab.mm(['renew', 'feature_*']);
  assert.equal(renewed.exitCode, 0, renewed.stderr);
});

test('prune: shows the environments whose branch is gone, asks, and removes them', async (t) => {
  const lab = await withClass(t);
  for (const branch of ['feature/x-1', 'feature/y']) await lab.mm(publish(branch));
  await lab.mm(publish('feature_by_ref', '--ref', 'feature/x-1'));
  await lab.mm(['publish', '--working-tree', '--no-validate']);
  await lab.git('branch', '-D', 'feature/x-1');
  const prune = ['environments', 'prune', '--json'];
  const files = lab.files();
  const noop = PruneAnswer.parse((await lab.mm([...prune, '--noop'])).json);
  const gone = [{ environment: 'feature_x_1', branch: 'feature/x-1' }];
  assert.deepEqual([noop.outcome, noop.gone], ['noop', gone]);
  const unasked = await lab.mm(prune);
  assert.equal(ErrorAnswer.parse(unasked.json).error.code, 'USAGE');
  assert.match(unasked.stderr, /feature_x_1: branch feature\/x-1 is gone/);
  const refused = await lab.mm(prune, { askLine: async () => 'no' });
  assert.equal(PruneAnswer.parse(refused.json).outcome, 'unchanged');
  assert.deepEqual(lab.files(), files);

  const done = await lab.mm(prune, { askLine: async () => 'yes' });
  assert.deepEqual(PruneAnswer.parse(done.json).outcome, 'pruned', done.stderr);
  assert.deepEqual(targetsOf(lab, 5), ['feature_y/current', 'feature_by_ref/current']);
  const again = PruneAnswer.parse((await lab.mm([...prune, '--yes'])).json);
  assert.deepEqual([again.outcome, again.gone], ['unchanged', []]);
});

test('prune: an environment that is stopped stays, so that its hosts stay stopped', async (t) => {
  const lab = await withClass(t);
  await lab.mm(publish('feature/x-1'));
  const stopped = await lab.mm(['stop', 'feature_x_1', '--reason', 'broken']);
  assert.equal(stopped.exitCode, 0, stopped.stderr);
  await lab.git('branch', '-D', 'feature/x-1');
  const { json } = await lab.mm(['environment', 'prune', '--yes', '--json']);
  assert.deepEqual(PruneAnswer.parse(json).gone, []);
});

test('prune: a branch that only origin has is there; a clone with some branches is refused', async (t) => {
  const lab = await withClass(t);
  await lab.mm(publish('feature/x-1'));
  const other = `${lab.directory}/origin.git`;
  await git(lab.directory, 'clone', '--quiet', '--bare', lab.repository, other);
  await lab.git('remote', 'add', 'origin', other);
  await lab.git('fetch', '--quiet', 'origin');
  await lab.git('branch', '-D', 'feature/x-1');
  const prune = ['environment', 'prune', '--yes', '--json'];
  assert.deepEqual(PruneAnswer.parse((await lab.mm(prune)).json).gone, []);
  await lab.git('config', 'remote.origin.fetch', '+refs/heads/main:refs/remotes/origin/main');
  const { error } = ErrorAnswer.parse((await lab.mm(prune)).json);
  assert.deepEqual(
    [error.code, /set-branches origin/.test(error.next ?? '')],
    ['GIT_FAILED', true],
  );
  await lab.git('config', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*');
  await git(other, 'branch', '-D', 'feature/x-1');
  await lab.git('fetch', '--quiet', '--prune', 'origin');
  const [gone] = PruneAnswer.parse((await lab.mm(prune)).json).gone;
  assert.equal(gone?.environment, 'feature_x_1');
});

test('environment add: an environment of a class names the class', async (t) => {
  const lab = await withClass(t);
  const { json } = await lab.mm(['environment', 'add', 'feature_z', '--json']);
  assert.equal(EnvironmentAnswer.parse(json).outcome, 'unchanged');
  const { stdout } = await lab.mm(['environment', 'add', 'feature_z']);
  assert.match(stdout, /the keys of feature_\* publish it/);
});
