import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEnvironmentConf } from '../../../../bucket/documents/environment-conf.ts';
import { unseenModules } from '../../../../operator/release/modules/unseen-modules.ts';
import { check, file, link, read } from '../fixture.ts';
import { commit, env, repository } from './repositories.ts';

const hieras = {
  'version 5':
    'version: 5\ndefaults:\n  datadir: /srv/hieradata\nhierarchy:\n  - name: a\n    path: a.yaml\n',
  'one level of version 5':
    'version: 5\nhierarchy:\n  - { name: a, path: a.yaml, datadir: ../hieradata }\n',
  'version 3': ':backends: [yaml]\n:yaml:\n  :datadir: /srv/hieradata\n',
};
for (const [name, text] of Object.entries(hieras)) {
  test(`hiera: a datadir outside of the environment is a warning: ${name}`, async (t) => {
    const directory = await repository(t, { 'manifests/site.pp': '', 'hiera.yaml': text });
    const { warnings, tree } = await read(t, { directory, env }, 'main');
    check(tree);
    assert.match(warnings.join('\n'), /hiera\.yaml: datadir (\/srv|\.\.)\/hieradata is outside/);
  });
}

test('hiera: a datadir of a Puppet server that is in the repository: the warning says what to write', async (t) => {
  const text =
    ':yaml:\n  :datadir: "/etc/puppetlabs/code//environments/%{::environment}/hiera/data/"\n';
  const files = { 'manifests/site.pp': '', 'hiera.yaml': text, 'hiera/data/common.yaml': '' };
  const { warnings } = await read(t, { directory: await repository(t, files), env }, 'main');
  assert.match(warnings.join('\n'), /write datadir: hiera\/data$/);
});

test('hiera: a datadir inside, or with a fact in it, is no warning', async (t) => {
  const text =
    'version: 5\ndefaults: { datadir: data }\nhierarchy:\n  - { name: a, datadir: "data/%{facts.x}" }\n';
  const directory = await repository(t, { 'manifests/site.pp': '', 'hiera.yaml': text });
  assert.deepEqual((await read(t, { directory, env }, 'main')).warnings, []);
});

const manifests: Record<string, RegExp | undefined> = {
  '/etc/puppetlabs/code/environments/production/manifests': /write manifest = manifests$/,
  '$environmentpath/$environment/manifests/site.pp': /write manifest = manifests\/site\.pp$/,
  '/srv/site.pp': /manifest \/srv\/site\.pp is outside .* each host needs it there$/,
  '$confdir/manifests': /each host needs it there$/,
  '$environmentpath/stable/manifests': undefined,
  './manifests/site.pp': undefined,
};
test('a manifest outside of the environment is a warning', async (t) => {
  const directory = await repository(t, { 'manifests/site.pp': '' });
  for (const [manifest, wanted] of Object.entries(manifests)) {
    await commit(directory, { 'environment.conf': `manifest = ${manifest}\n` });
    const { warnings } = await read(t, { directory, env }, 'main');
    if (wanted === undefined) assert.deepEqual(warnings, [], manifest);
    else assert.match(warnings.join('\n'), wanted, manifest);
  }
});

test('modules that Puppet would not find are a warning, however modulepath is spelled', () => {
  const paths = ['a1/alpha/manifests/init.pp', 'a1/beta/metadata.json', 'a1/alpha/metadata.json'];
  const entries = paths.map((path) => file(path));
  const unseen = (modulepath: string) =>
    unseenModules(entries, parseEnvironmentConf(`modulepath = ${modulepath}\n`));
  for (const modulepath of [
    ...['a1 : modules', 'a1 # ours', 'a1,modules', 'a1;modules', '', 'modules:$basemodulepath'],
    ...['$codedir/environments/$environment/a1', '/etc/puppetlabs/code/environments/x/a1'],
  ]) {
    assert.deepEqual(unseen(modulepath), [
      `modulepath (${modulepath}) does not name a1: no host finds its modules alpha, beta`,
    ]);
  }
  for (const modulepath of ['a1', './a1/', 'a?', 'a*:modules', '"a1"', '$environmentpath/x/a1'])
    assert.deepEqual(unseen(modulepath), [], modulepath);
});

test('modules with a name that Puppet does not read are a warning', () => {
  const named = ['my-thing/manifests/init.pp', 'Thing/lib/x.rb', '9x/files/a'];
  const others = ['.cache/lib/x', 'README/x', 'a_1/manifests/init.pp', 'LICENSE', 'x-y/spec/a.pp'];
  const entries = [...named, ...others].map((path) => file(`modules/${path}`));
  assert.deepEqual(
    unseenModules(entries, parseEnvironmentConf('')).map((line) => line.split(' ')[0]),
    ['modules/my-thing', 'modules/Thing', 'modules/9x'],
  );
});

test('what is no module for hosts is no warning', () => {
  const paths = [
    ...['spec/fixtures/modules/a/metadata.json', 'acceptance/b/manifests/init.pp'],
    ...['environments/c/manifests/site.pp', 'environments/d/environment.conf'],
    ...['environments/d/manifests/x.pp', 'manifests/e/manifests/x.pp', 'f/manifests/init.pp'],
    ...['data/g/metadata.json', 'modules/h/vendor/i/metadata.json'],
  ];
  const puppetfile = file('Puppetfile', "mod 'a/g', tag: 'v1', install_path: 'data'\n");
  const linked = [file('src/j/manifests/init.pp'), link('modules/j', '../src/j')];
  const entries = [puppetfile, ...linked, ...paths.map((path) => file(path))];
  assert.deepEqual(unseenModules(entries, parseEnvironmentConf('')), []);
});
