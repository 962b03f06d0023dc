import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CodedError } from '../../../../shared/coded-error.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { git } from '../../operator-lab.ts';
import { check, pack, read, textOf } from '../fixture.ts';
import { commit, env, repository, write } from './repositories.ts';

const paths = (tree: { readonly entries: readonly { readonly path: string }[] }) =>
  tree.entries.map(({ path }) => path).sort();

test('submodules by ref: their own objects, recursively, from a clone and by their commit', async (t) => {
  const inner = await repository(t, { 'files/inner': 'inner\n' });
  const module = await repository(t, { 'manifests/init.pp': 'class thing { }\n' });
  const allow = ['-c', 'protocol.file.allow=always'];
  await git(module, ...allow, 'submodule', '--quiet', 'add', inner, 'vendor');
  await commit(module, {});
  const directory = await repository(t, { 'manifests/site.pp': '' });
  await git(directory, ...allow, 'submodule', '--quiet', 'add', module, 'modules/thing');
  await git(directory, ...allow, 'submodule', '--quiet', 'update', '--init', '--recursive');
  await commit(directory, {});
  // By ref only the commit counts, not the checked-out submodule.
  await write(directory, { 'modules/thing/manifests/init.pp': 'changed' });
  const source = await read(t, { directory, env }, 'main');
  assert.deepEqual(paths(source.tree), [
    '.gitmodules',
    'manifests/site.pp',
    'modules/thing/.gitmodules',
    'modules/thing/manifests/init.pp',
    'modules/thing/vendor/files/inner',
  ]);
  assert.equal(textOf(source, 'modules/thing/manifests/init.pp'), 'class thing { }\n');
  assert.deepEqual(source.tree.modules, [
    {
      name: 'thing',
      version: null,
      source: module,
      commit: await git(module, 'rev-parse', 'HEAD'),
    },
  ]);
  check(source.tree);
});

test('missing submodules are named, with the command that fetches them', async (t) => {
  const module = await repository(t, { 'manifests/init.pp': '' });
  const directory = await repository(t, { 'manifests/site.pp': '' });
  const allow = ['-c', 'protocol.file.allow=always'];
  await git(directory, ...allow, 'submodule', '--quiet', 'add', module, 'modules/thing');
  await commit(directory, {});
  const clone = join(await temporaryDirectory(t), 'clone');
  execFileSync('git', ['clone', '--quiet', directory, clone]);
  const { tree } = await read(t, { directory: clone, env }, 'main');
  assert.throws(
    () => check(tree),
    (error) =>
      error instanceof CodedError &&
      error.message.includes('modules/thing') &&
      error.next!.startsWith('git submodule update --init --recursive modules/thing'),
  );
});

test("a partial clone is GIT_FAILED with git's message, and the command that repairs it", async (t) => {
  const origin = await repository(t, { 'manifests/site.pp': 'node default { }\n', a: 'large' });
  await git(origin, 'config', 'uploadpack.allowFilter', 'true');
  const clone = join(await temporaryDirectory(t), 'clone');
  const partial = ['--filter=blob:none', '--no-checkout'];
  execFileSync('git', ['clone', '--quiet', ...partial, `file://${origin}`, clone]);
  await assert.rejects(
    read(t, { directory: clone, env }, 'main'),
    (error) =>
      error instanceof CodedError &&
      error.code === 'GIT_FAILED' &&
      error.message.includes(`git archive in ${clone}`) &&
      error.next!.includes('fetch --refetch'),
  );
});

test('a ref behind origin, and a detached HEAD elsewhere, are warnings with both commits', async (t) => {
  const origin = await repository(t, { 'manifests/site.pp': '' });
  const clone = join(await temporaryDirectory(t), 'clone');
  execFileSync('git', ['clone', '--quiet', origin, clone]);
  const place = { directory: clone, env };
  assert.deepEqual((await read(t, place, 'main')).warnings, []);
  const old = await git(clone, 'rev-parse', 'main');
  const newer = await commit(origin, { b: '' });
  await git(clone, 'fetch', '--quiet');
  const [behind, ...none] = (await read(t, place, 'main')).warnings;
  assert.deepEqual(none, []);
  assert.match(
    behind ?? '',
    new RegExp(`${old.slice(0, 12)}, 1 commit behind origin/main at ${newer.slice(0, 12)}`),
  );
  await git(clone, 'checkout', '--quiet', newer);
  await git(clone, 'branch', '--quiet', '--delete', '--force', 'main');
  await git(clone, 'branch', '--quiet', 'main', old);
  const [, detached] = (await read(t, place, 'main')).warnings;
  assert.match(detached ?? '', new RegExp(`${newer.slice(0, 12)} is checked out`));
});

test('safe.directory from GIT_CONFIG_COUNT, as in a CI container, is respected', async (t) => {
  const directory = await repository(t, { 'manifests/site.pp': '' });
  const HOME = await temporaryDirectory(t);
  // An ordinary user cannot give a repository away; git's own tests use this variable.
  const assuming = `exec env GIT_TEST_ASSUME_DIFFERENT_OWNER=1 PATH='${env.PATH}' git "$@"`;
  await writeFile(join(HOME, 'git'), `#!/bin/sh\n${assuming}\n`, { mode: 0o755 });
  const place = { directory, env: { HOME, PATH: `${HOME}:${env.PATH}` } };
  await assert.rejects(read(t, place, 'main'), {
    code: 'GIT_FAILED',
    message: /dubious ownership/,
  });
  const given = {
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'safe.directory',
    GIT_CONFIG_VALUE_0: '*',
  };
  check((await read(t, { directory, env: { ...place.env, ...given } }, 'main')).tree);
});

test('export-ignore also applies to a work tree, and to a directory', async (t) => {
  const directory = await repository(t, {
    '.gitattributes': 'doc export-ignore\n*.tmp export-ignore\n',
    'manifests/site.pp': '',
    'doc/a/b': '',
    'x.tmp': '',
  });
  const wanted = ['.gitattributes', 'manifests/site.pp'];
  assert.deepEqual(paths((await read(t, { directory, env }, undefined)).tree), wanted);
  assert.deepEqual(paths((await read(t, { directory, env }, 'main')).tree), wanted);
});

test('excluded: what Puppet never loads, .mmignore and publish.exclude; a later pattern wins', async (t) => {
  const directory = await repository(t, {
    'manifests/site.pp': '',
    '.mmignore': '/doc/\n!/modules/b/spec/\n',
    'doc/a': '',
    'large.iso': '',
    'spec/x': '',
    'modules/a/manifests/init.pp': '',
    'modules/a/spec/x_spec.rb': '',
    'modules/a/.fixtures.yml': '',
    'modules/a/.github/workflows/x.yml': '',
    'modules/a/files/spec/x': '',
    'modules/b/spec/kept': '',
  });
  const settings = { exclude: ['*.iso'] };
  for (const ref of ['main', undefined]) {
    const { tree, leftOut } = await read(t, { directory, env }, ref, settings);
    assert.deepEqual(paths(tree), [
      'manifests/site.pp',
      'modules/a/files/spec/x',
      'modules/a/manifests/init.pp',
      'modules/b/spec/kept',
      'spec/x',
    ]);
    assert.deepEqual(Object.fromEntries(leftOut.map(({ path, why }) => [path, why])), {
      '.mmignore': '.mmignore',
      'doc/a': '.mmignore',
      'large.iso': 'publish.exclude',
      'modules/a/.fixtures.yml': 'never loaded by Puppet',
      'modules/a/.github/workflows/x.yml': 'never loaded by Puppet',
      'modules/a/spec/x_spec.rb': 'never loaded by Puppet',
    });
  }
});

test('excluded: a problem in an excluded path is no problem', async (t) => {
  const directory = await repository(t, { 'manifests/site.pp': '' });
  execFileSync('ln', ['-s', '/etc/passwd', join(directory, 'outside')]);
  await commit(directory, {});
  for (const ref of ['main', undefined]) {
    const { tree } = await read(t, { directory, env }, ref);
    assert.throws(() => check(tree), { code: 'ARCHIVE_UNSAFE', message: /outside/ });
    check((await read(t, { directory, env }, ref, { exclude: ['outside'] })).tree);
  }
});

const shapes = {
  'manifest = site.pp': {
    files: { 'environment.conf': 'manifest = site.pp\n', 'site.pp': '' },
    says: undefined,
  },
  'a quoted manifest': {
    files: { 'environment.conf': 'manifest = "site/site.pp"\n', 'site/site.pp': '' },
    says: undefined,
  },
  'the older form': { files: { 'nodeless_site.pp': '', 'classes/a.pp': '' }, says: undefined },
  'the older form with import': {
    files: { 'nodeless_site.pp': "# old\nimport 'classes/*.pp'\n" },
    says: /nodeless_site\.pp" line 2 .*import.*delete the line/s,
  },
  'site.pp at the top': { files: { 'site.pp': '' }, says: /manifest = site\.pp/ },
  'braces in modulepath': {
    files: { 'environment.conf': 'modulepath = {a,b}\n', 'manifests/site.pp': '' },
    says: /line 1 has .*which Puppet refuses.*without \{…\}/s,
  },
  'a directory with the name of a manifest': {
    files: { 'manifests/web.pp/a.pp': '', 'modules/a/files/x.pp/y': '' },
    says: /"manifests\/web\.pp" is a directory.*rename the directory/s,
  },
  'modules alone': {
    files: { 'modules/a/manifests/init.pp': '' },
    says: /expected manifests\/.*add manifests\/site\.pp/s,
  },
  'a manifest that is missing': {
    files: { 'environment.conf': 'manifest = nope.pp\n', 'manifests/site.pp': '' },
    says: /there is no nope\.pp/,
  },
  'an environment in a subdirectory': {
    files: { 'puppet/manifests/site.pp': '' },
    says: /found one in puppet.*set repository:/s,
  },
  'several subdirectories, and a manifest that is not site.pp': {
    files: {
      'a/modules/concat/spec/fixtures/manifests/site.pp': '',
      'b/manifests/default.pp': '',
      'c/environment.conf': '',
    },
    says: /found one in b, c\n.*to the directory b /s,
  },
  'modules at the top': {
    files: { 'ntp/manifests/init.pp': '', 'dns/metadata.json': '{}', 'dns/manifests/a.pp': '' },
    says: /at its root\n/,
  },
} satisfies Record<string, { files: Record<string, string>; says: RegExp | undefined }>;

for (const [name, { files, says }] of Object.entries(shapes)) {
  test(`shape: ${name} ${says === undefined ? 'is published' : 'says what to do'}`, async (t) => {
    const directory = await repository(t, files);
    const { tree } = await read(t, { directory, env }, 'main');
    if (says === undefined) check(tree);
    else {
      assert.throws(
        () => check(tree),
        (error) => error instanceof CodedError && says.test(`${error.message}\n${error.next}`),
      );
    }
  });
}

test('2,000 generated files are read and packed to the same bytes', async (t) => {
  const files = Object.fromEntries(
    Array.from({ length: 2000 }, (_, n) => [`modules/m${n % 40}/files/f${n}`, `content ${n}\n`]),
  );
  const directory = await repository(t, { 'manifests/site.pp': '', ...files });
  const { tree } = await read(t, { directory, env }, 'main');
  assert.equal(tree.entries.length, 2001);
  check(tree);
  const first = await pack(t, tree);
  const again = await pack(t, (await read(t, { directory, env }, 'main')).tree);
  assert.equal(first.sha256, again.sha256);
});
