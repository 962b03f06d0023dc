import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { test } from 'node:test';
import { validateManifests } from '../../../operator/release/validate.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { file, sourceTree } from './fixture.ts';

const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };

test('validate: Puppet parses every manifest, plans apart', async () => {
  const tree = sourceTree(
    file('modules/a/manifests/init.pp', 'class a { notify { "a": } }\n'),
    file('modules/a/plans/p.pp', 'plan a::p() { }\n'),
    file('modules/a/files/broken.pp.txt', '{'),
  );
  assert.deepEqual(await validateManifests(tree, env), { kind: 'valid', manifests: 2 });
});

test("validate: a syntax error is told in Puppet's words, with the tree's path", async () => {
  const tree = sourceTree(file('modules/a/manifests/init.pp', 'class a { notify { "a" }\n'));
  await assert.rejects(
    validateManifests(tree, env),
    (error) =>
      error instanceof CodedError &&
      error.code === 'RELEASE_INVALID' &&
      error.message.includes('(file: modules/a/manifests/init.pp, line: 1'),
  );
});

test('validate: without Puppet it is skipped', async () => {
  const isThere = await access('/opt/puppetlabs/bin/puppet').then(
    () => true,
    () => false,
  );
  const { kind } = await validateManifests(sourceTree(), { PATH: '/nonexistent' });
  assert.equal(kind, isThere ? 'valid' : 'skipped');
});
