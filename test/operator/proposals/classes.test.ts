import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changed } from '../key-commands.ts';
import { COMMIT, FILE, sign, team } from './team.ts';

test('proposals: a class of environments is added, and its key rotated, by two people', async (t) => {
  const people = await team(t);
  const added = await people.mm(['environment', 'add', 'feature_*', '--out', FILE]);
  assert.equal(added.exitCode, 0, added.stderr);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  const rotate = ['key', 'rotate', '--role', 'feature_*', '--add', 'bob.pub.json'];
  await changed(people, [...rotate, '--threshold', '2', '--out', FILE]);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  await people.git('branch', 'feature/x');
  const publish = ['publish', 'feature/x', '--no-validate', '--out', FILE];
  const { exitCode, stderr } = await people.mm(publish);
  assert.equal(exitCode, 0, stderr);
  const { rebuilt } = await sign(people, ...people.bob);
  assert.deepEqual(
    rebuilt.map(({ path, outcome }) => [path, outcome]),
    [['feature_x/current', 'same']],
  );
  await changed(people, COMMIT);
  assert.ok(people.files().includes('3.env-feature_-class.json'), people.files().join());
});
