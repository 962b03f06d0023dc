import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEnvironmentConf } from '../../../../bucket/documents/environment-conf.ts';
import { loadedFiles } from '../../../../operator/release/gates/loaded-files.ts';
import { withLinked } from '../../../../operator/release/tree/with-linked.ts';
import { file, link } from '../fixture.ts';
import { openGates } from './lab.ts';

function kindsOf(
  paths: readonly string[],
  conf = '',
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const entries = [
    ...paths.map((path) => file(path)),
    ...Object.entries(more).map(([path, text]) => file(path, text)),
  ];
  const loaded = loadedFiles(withLinked(entries), parseEnvironmentConf(conf));
  const kinds = new Map(loaded.map(({ entry, kind }) => [entry.path, kind]));
  return Object.fromEntries(paths.map((path) => [path, kinds.get(path) ?? 'no code']));
}

const paths = {
  'manifests/site.pp': 'puppet',
  'manifests/nodes/a.pp': 'puppet',
  'nodeless_site.pp': 'puppet',
  'classes/a.pp': 'puppet',
  'functions/x.pp': 'puppet',
  'types/x.pp': 'puppet',
  'lib/puppet/functions/x.rb': 'ruby',
  'hiera.yaml': 'hiera',
  'data/nodes/a.yaml': 'yaml',
  'data/a.yml': 'yaml',
  'data/a.eyaml': 'yaml',
  'data/a.json': 'json',
  'modules/a/manifests/init.pp': 'puppet',
  'modules/a/manifests/b/c.pp': 'puppet',
  'modules/a/functions/f.pp': 'puppet',
  'modules/a/types/x.pp': 'puppet',
  'modules/a/templates/x.epp': 'epp',
  'modules/a/templates/b/x.erb': 'erb',
  'modules/a/lib/facter/x.rb': 'ruby',
  'modules/a/metadata.json': 'metadata',

  'site.pp': 'no code',
  'environment.conf': 'no code',
  'files/selinux/x.pp': 'no code',
  'templates/x.erb': 'no code',
  'metadata.json': 'no code',
  'spec/broken.pp': 'no code',
  'scripts/x.rb': 'no code',
  'data/notes.txt': 'no code',
  'modules/a/files/selinux/x.pp': 'no code',
  'modules/a/files/manifests/x.pp': 'no code',
  'modules/a/files/x.yaml': 'no code',
  'modules/a/spec/fixtures/broken.pp': 'no code',
  'modules/a/spec/fixtures/modules/b/manifests/init.pp': 'no code',
  'modules/a/examples/init.pp': 'no code',
  'modules/a/tests/init.pp': 'no code',
  'modules/a/plans/p.pp': 'no code',
  'manifests/._site.pp': 'no code',
  'modules/a/manifests/._init.pp': 'no code',
  'modules/a/lib/facter/._x.rb': 'no code',
  'modules/a/templates/.bashrc.erb': 'erb',
  'modules/acme-a/manifests/init.pp': 'no code',
  'modules/a/tasks/t.rb': 'no code',
  'modules/a/manifests/init.pp.orig': 'no code',
  'modules/a/data/common.yaml': 'no code',
  'modules/a/Rakefile.rb': 'no code',
  'modules/README.yaml': 'no code',
  'vendor/a/manifests/init.pp': 'no code',
};
const kinds = kindsOf(Object.keys(paths));
for (const [path, kind] of Object.entries(paths)) {
  test(`loaded: ${path} is ${kind}`, () => assert.equal(kinds[path], kind));
}

test('loaded: environment.conf says where modules and the manifest are', () => {
  const given = ['site.pp', 'manifests/site.pp', 'modules/a/manifests/x.pp'];
  const moved = ['site/a/manifests/x.pp', 'site-b/a/manifests/x.pp'];
  assert.deepEqual(
    kindsOf(
      [...given, ...moved],
      'manifest = "site.pp"\nmodulepath = site:./site-*:/opt/modules\n',
    ),
    {
      'site.pp': 'puppet',
      'manifests/site.pp': 'no code',
      'modules/a/manifests/x.pp': 'no code',
      'site/a/manifests/x.pp': 'puppet',
      'site-b/a/manifests/x.pp': 'puppet',
    },
  );
});

test('loaded: hiera.yaml says where data is, for the environment and for each module', () => {
  const hiera = `version: 5
defaults: &d { datadir: "hieradata/%{environment}" }
hierarchy:
  - name: own
    datadir: "./secrets/"
  - name: outside
    datadir: /etc/puppet/data
  - name: above
    datadir: ../data
  # - { name: off, datadir: other }
  - { name: short, datadir: 'short', path: x }
  - name: old
    :datadir: other
`;
  const files = {
    'hiera.yaml': hiera,
    'modules/a/hiera.yaml': 'version: 5\n',
    'modules/b/hiera.yaml': '{ not yaml',
  };
  const data = {
    'hieradata/x.yaml': 'yaml',
    'secrets/x.json': 'json',
    'data/x.yaml': 'yaml',
    'short/x.yaml': 'yaml',
    'other/x.yaml': 'no code',
    'modules/a/data/x.yaml': 'yaml',
    'modules/b/data/x.yaml': 'yaml',
    'modules/d/data/x.yaml': 'no code',
  };
  assert.deepEqual(kindsOf(Object.keys(data), '', files), data);
});

test('loaded: what a link of the release leads to is code at the path of the link', () => {
  const rows: Record<string, readonly [links: Record<string, string>, loaded: readonly string[]]> =
    {
      'a manifest': [{ 'manifests/a.pp': '../shared/x.txt' }, ['manifests/a.pp']],
      'the directory of manifests': [{ manifests: 'shared/site' }, ['manifests/b.pp']],
      'a module': [
        { 'modules/m': '../shared/m' },
        ['modules/m/manifests/init.pp', 'modules/m/templates/t.erb'],
      ],
      'a module in a directory of links': [
        { modules: 'all/of/them', 'all/of/them/m': '../../../shared/m' },
        ['modules/m/manifests/init.pp', 'modules/m/templates/t.erb'],
      ],
      'a chain': [{ 'manifests/a.pp': 'b', 'manifests/b': '../shared/x.txt' }, ['manifests/a.pp']],
      'itself, each other, and what contains it': [
        {
          'manifests/a.pp': 'b.pp',
          'manifests/b.pp': 'a.pp',
          'manifests/c': '..',
          'modules/m': '.',
        },
        [],
      ],
      'nothing, and what is outside': [
        {
          'manifests/a.pp': 'nope.pp',
          'manifests/b.pp': '../../x.pp',
          'manifests/c.pp': '/etc/x.pp',
        },
        [],
      ],
    };
  const files = ['x.txt', 'site/b.pp', 'm/manifests/init.pp', 'm/templates/t.erb'];
  for (const [name, [links, wanted]] of Object.entries(rows)) {
    const entries = [
      ...files.map((path) => file(`shared/${path}`)),
      ...Object.entries(links).map(([path, target]) => link(path, target)),
    ];
    const loaded = loadedFiles(withLinked(entries), parseEnvironmentConf(''));
    assert.deepEqual(loaded.map(({ entry }) => entry.path).sort(), [...wanted].sort(), name);
  }
});

test('loaded: the environment itself as the manifest, with all manifests in it', () => {
  for (const conf of ['manifest =\n', 'manifest = .\n'])
    assert.deepEqual(kindsOf(['a.pp', 'b/c.pp'], conf), { 'a.pp': 'puppet', 'b/c.pp': 'puppet' });
});

test('gates: a binary .pp in files/ and a broken fixture in spec/ are not code', async (t) => {
  const gates = await openGates(t);
  const policy = Buffer.from('8fff7cf90800000053452c4c696e7578', 'hex');
  const { loaded, checked, problems } = await gates({
    'modules/a/files/selinux/x.pp': policy,
    'files/selinux/x.pp': policy,
    'modules/a/spec/fixtures/broken.pp': '{',
    'spec/fixtures/broken.pp': '{',
    'modules/a/templates/x.txt': '<%= ) %>',
  });
  assert.deepEqual([loaded, checked, problems], [1, 1, []], 'manifests/site.pp');
});
