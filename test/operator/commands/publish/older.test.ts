import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moveLab, person } from '../move/move-lab.ts';

const PUBLISH = ['publish', 'stable', '--no-validate'];

test('publish: a commit that does not contain the one before asks, and is refused in CI without --older', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  await lab.git('branch', 'not-pulled');
  await lab.publish('stable', 'node default { notify { "colleague": } }');
  await lab.git('checkout', '--quiet', 'not-pulled');
  await lab.commit('data/common.yaml', 'a: 1\n');
  const args = [...PUBLISH, '--ref', 'not-pulled'];
  const files = lab.files();
  const ci = await lab.refused(args);
  assert.deepEqual([ci.code, ci.next], ['NOT_CONFIRMED', 'the same command with --older']);
  assert.equal((await lab.refused(args, person('n'))).code, 'NOT_CONFIRMED');
  const noop = await lab.mm([...args, '--noop']);
  assert.equal(noop.exitCode, 1, 'without a terminal it would be refused');
  assert.match(noop.stderr, /does not contain commit/);
  assert.equal((await lab.mm([...args, '--noop'], person('y'))).exitCode, 0, 'it would ask');
  assert.deepEqual(lab.files(), files);
  const asked = person('y');
  assert.equal((await lab.mm(args, asked)).exitCode, 0);
  assert.deepEqual(asked.asked, ['publish 0.1.2 for stable? [y/N] ']);
  // The other way round it is the same; --older agrees.
  assert.equal((await lab.refused(PUBLISH)).code, 'NOT_CONFIRMED');
  assert.equal((await lab.mm([...PUBLISH, '--older'])).exitCode, 0);
});

const silent = {
  'a commit after it': async (lab) => {
    await lab.commit('data/common.yaml', 'a: 1\n');
    return PUBLISH;
  },
  'the same commit by force': async () => [...PUBLISH, '--force'],
  'a merge that contains it': async (lab) => {
    await lab.git('checkout', '--quiet', '-b', 'feature', 'testing');
    await lab.commit('data/common.yaml', 'a: 1\n');
    await lab.git('merge', '--quiet', '--no-edit', 'main');
    return [...PUBLISH, '--ref', 'feature'];
  },
  'a work tree, whose commit is not known': async (lab) => {
    await lab.write('data/common.yaml', 'a: 1\n');
    return [...PUBLISH, '--working-tree'];
  },
} satisfies Record<string, (lab: Awaited<ReturnType<typeof moveLab>>) => Promise<string[]>>;

for (const [name, change] of Object.entries(silent)) {
  test(`publish: ${name} asks nothing`, async (t) => {
    const lab = await moveLab(t, ['stable', 'node default { notify { "x": } }']);
    const done = await lab.mm(await change(lab));
    assert.equal(done.exitCode, 0, done.stderr);
  });
}

test('publish: a history that does not tell whether it contains the commit before asks', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  const commit = await lab.git('rev-parse', 'HEAD');
  await lab.commit('data/common.yaml', 'a: 1\n');
  // A shallow clone of a CI job: `git clone --depth 1`.
  await lab.write('.git/shallow', `${await lab.git('rev-parse', 'HEAD')}\n`);
  const error = await lab.refused(PUBLISH);
  assert.deepEqual([error.code, error.next], ['NOT_CONFIRMED', 'the same command with --older']);
  assert.ok(error.message.includes(commit.slice(0, 10)) && error.message.includes('git fetch'));
});
