import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FILE, releaseOf, type Team, team } from './team.ts';

const SIGN = ['root', 'sign', FILE, '--noop'];

test('row 3: a commit that is not on the named ref is rebuilt, with a warning', async (t) => {
  const people = await team(t);
  await people.git('checkout', '--quiet', '-b', 'side');
  const commit = await people.commit('manifests/side.pp', 'class side { }\n');
  await releaseOf(people);
  await proposeAsMain(people, commit);
  for (const name of ['other', 'main']) {
    await people.git('tag', name, commit);
    const { stderr } = await people.mm(SIGN);
    assert.match(stderr, /commit [0-9a-f]{12} is not on main in this clone/, `tag ${name}`);
  }
});

/** The release that `mm publish` makes of main while main is this commit. */
async function proposeAsMain(people: Team, commit: string): Promise<void> {
  const main = await people.git('rev-parse', 'main');
  await people.git('update-ref', 'refs/heads/main', commit);
  const publish = ['publish', 'stable', '--no-validate', '--out', FILE];
  assert.equal((await people.mm(publish)).exitCode, 0);
  await people.git('update-ref', 'refs/heads/main', main);
}

test('row 3: a commit of a ref that miyamoto.yaml does not name is rebuilt, with a warning', async (t) => {
  const people = await team(t);
  await people.git('branch', 'same');
  await people.git('checkout', '--quiet', '-b', 'side');
  await people.commit('manifests/side.pp', 'class side { }\n');
  const rows: [ref: string, warned: RegExp | undefined][] = [
    [
      'side',
      /^miyamoto\.yaml has main for stable: commit [0-9a-f]{12} is not on main in this clone/m,
    ],
    ['same', undefined],
  ];
  await releaseOf(people);
  for (const [ref, warned] of rows) {
    const publish = ['publish', 'stable', '--ref', ref, '--no-validate', '--out', FILE];
    assert.equal((await people.mm(publish)).exitCode, 0);
    const { stderr, exitCode } = await people.mm(SIGN);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, new RegExp(`rebuilt from commit [0-9a-f]{40} of ${ref} `));
    if (warned === undefined) assert.doesNotMatch(stderr, /is not on/);
    else assert.match(stderr, warned);
  }
});
