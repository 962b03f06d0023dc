import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { test } from 'node:test';
import { parseEnvironmentConf } from '../../../bucket/documents/environment-conf.ts';
import { isLoadedManifest } from '../../../operator/release/loaded.ts';
import { validateManifests } from '../../../operator/release/validate.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { file, sourceTree } from './fixture.ts';

const CONF = parseEnvironmentConf('');
const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };

test('validate: Puppet parses every manifest, and plans separately', async () => {
  const tree = sourceTree(
    file('modules/a/manifests/init.pp', 'class a { notify { "a": } }\n'),
    file('modules/a/plans/p.pp', 'plan a::p() { }\n'),
    file('modules/a/files/broken.pp.txt', '{'),
  );
  assert.deepEqual(await validateManifests(tree, CONF, env), { kind: 'valid', manifests: 2 });
});

test("validate: the error has Puppet's message for a syntax error, and the path in the tree", async () => {
  const tree = sourceTree(file('modules/a/manifests/init.pp', 'class a { notify { "a" }\n'));
  await assert.rejects(
    validateManifests(tree, CONF, env),
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
  const { kind } = await validateManifests(sourceTree(), CONF, { PATH: '/nonexistent' });
  assert.equal(kind, isThere ? 'valid' : 'skipped');
});

const paths = {
  'manifests/site.pp': true,
  'manifests/nodes/a.pp': true,
  'functions/x.pp': true,
  'nodeless_site.pp': true,
  'classes/a.pp': true,
  'modules/a/manifests/init.pp': true,
  'modules/a/types/x.pp': true,
  'modules/a/files/selinux/x.pp': false,
  'modules/a/spec/fixtures/broken.pp': false,
  'modules/a/plans/p.pp': false,
  'files/selinux/x.pp': false,
  'site.pp': false,
};

for (const [path, isLoaded] of Object.entries(paths)) {
  test(`validate: ${path} is ${isLoaded ? 'code' : 'not code'}`, () => {
    assert.equal(isLoadedManifest(path, CONF), isLoaded);
  });
}

test('validate: a binary .pp in files/ and a broken fixture are not parsed', async () => {
  const tree = sourceTree(
    file('modules/a/files/selinux/x.pp', Buffer.from('8fff7cf900', 'hex')),
    file('spec/broken.pp', '{'),
  );
  assert.deepEqual(await validateManifests(tree, CONF, env), { kind: 'valid', manifests: 1 });
});
