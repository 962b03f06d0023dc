import assert from 'node:assert/strict';
import { chmod, lstat, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { factAt } from '../../../../../agent/core/facts/facts.ts';
import { isRunning } from '../../../../../agent/io/host/processes.ts';
import { type HostData, NO_HOST_DATA } from '../../../../../agent/io/puppet/host-data/host-data.ts';
import {
  CERTNAME,
  type PuppetPlace,
  puppetPlace,
  realPuppet,
} from '../../../../support/puppet-run.ts';

/** Writes files of the host beside the environment. */
async function writeHost(
  { directory }: PuppetPlace,
  files: Readonly<Record<string, string>>,
  mode = 0o644,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, 'host', name);
    await mkdir(join(path, '..'), { recursive: true });
    await writeFile(path, content);
    await chmod(path, mode);
  }
}

test('real Puppet: a vault file, a role and knobs of the host, and a template for the node', async (t) => {
  const place = await puppetPlace(t);
  const host = (name: string) => join(place.directory, 'host', name);
  const seen = join(place.directory, 'seen');
  await place.write({
    'environment.conf': 'modulepath = modules:site\nconfig_version = /opt/deploy/version.sh\n',
    'hiera.yaml':
      'version: 5\nhierarchy: [{ name: x, paths: [secrets/vault.yaml, common.yaml] }]\n',
    'data/common.yaml': 'base: from the release\n',
    'data/secrets/README': 'the vault comes here\n',
    'manifests/node.pp': "fail('the template was not rendered')\n",
    'site/roles/manifests/web.pp': `class roles::web {
      file { '${seen}':
        content => inline_template("<% require 'json' %><%= JSON.generate([
          scope.lookupvar('facts').values_at(*%w[role number list flag off words color from_env over broken slow marked forks]),
          scope.call_function('lookup', ['secret']), scope.call_function('lookup', ['base'])]) %>"),
      }
    }`,
  });
  await writeHost(place, {
    'vault.yaml': 'secret: s3cret-in-the-vault\n',
    puppet_role: '# the role of this host\nweb\n',
    'node.pp': "node '%{certname}' { include roles::%{facts.role} }\n# %{facts.os.family}\n",
    'knobs/flag': '',
    'knobs/off': '# why\nF\n',
    'knobs/Words': 'one\ntwo words\n# the last line is a comment\n\n',
    'knobs/off.bak': 'true\n',
    'knobs/marked': '\uFEFF# saved on Windows\r\nT\r\n',
    running: '',
  });
  await writeHost(
    place,
    {
      'scripts/color': '#!/bin/sh\n[ -z "$FACTERLIB" ] && echo blue\n',
      // What it started keeps its output open until the test has ended.
      'scripts/forks': '#!/bin/sh\n(while [ -e "$RUNNING" ]; do sleep 0.1; done) &\necho forked\n',
      // More than a pipe holds, an escape sequence and a credential.
      'scripts/broken': `#!/bin/sh
echo half
head -c 20000000 /dev/zero >&2
printf 'cannot log in\\n\\033[31m with token=%s\\tat db1\\n' s3cr3t >&2
exit 3
`,
      'scripts/slow': `#!/bin/sh
echo waits for db1 >&2
sleep 1001 &
echo $! >"$CHILD"
wait
`,
    },
    0o755,
  );
  await writeHost(
    place,
    { env: "# secrets\nFACTER_from_env='a b'\nFACTER_over=env\nexport TOKEN=t-o-k-e-n\n" },
    0o600,
  );
  const child = join(place.directory, 'child');
  const hostData: HostData = {
    ...NO_HOST_DATA,
    overlay: {
      'data/secrets/vault.yaml': host('vault.yaml'),
      'manifests/node.pp': { template: host('node.pp') },
    },
    facts: {
      set: { number: 7, list: [1, { a: true }], color: 'red', over: 'set' },
      files: { role: host('puppet_role') },
      knobs: host('knobs'),
      knobScripts: host('scripts'),
      limitSeconds: 5, // a busy machine starts the other scripts late
    },
    environmentFiles: [host('env')],
  };
  const puppet = realPuppet({
    hostData,
    environment: { CHILD: child, RUNNING: host('running') },
  });
  const before = await treeOf(place);
  const run = await place.run(puppet);
  assert.equal(run.status, 'changed', run.error ?? '');
  assert.deepEqual(JSON.parse(await readFile(seen, 'utf8')), [
    [
      'web',
      7,
      [1, { a: true }],
      true,
      false,
      'two words',
      'blue',
      'a b',
      'env',
      null,
      null,
      true,
      'forked',
    ],
    's3cret-in-the-vault',
    'from the release',
  ]);
  assert.deepEqual(run.problems, [
    `facts.knob_scripts: ${host('scripts/broken')}: it ended with 3: cannot log in [31m with token=[redacted] at db1`,
    `facts.knob_scripts: ${host('scripts/slow')}: it took longer than 5 s: waits for db1`,
  ]);
  assert.equal(isRunning(Number(await readFile(child, 'utf8'))), false);

  const { runDirectory, viewPath } = place.request();
  const { facts } = await puppet.read(runDirectory, CERTNAME);
  assert.deepEqual(
    ['role', 'number', 'flag', 'off', 'words', 'color'].map((name) => factAt(facts, name)),
    ['web', 7, true, false, 'two words', 'blue'],
  );
  const { mode } = await stat(join(viewPath, 'stable/data/secrets/vault.yaml'));
  assert.equal(mode & 0o7777, 0o600);
  const report = await readFile(join(runDirectory, 'report.json'), 'utf8');
  assert.match(report, /"configuration_version":"1\.0\.0"/);
  assert.deepEqual(await treeOf(place), before, 'the verified tree is as it was');
  for (const name of ['report.json', 'puppet.log']) {
    assert.doesNotMatch(await readFile(join(runDirectory, name), 'utf8'), /t-o-k-e-n/);
  }
});

const TEMPLATES: Readonly<Record<string, readonly [string, string, RegExp]>> = {
  'a value that would end the string': [
    '%{facts.role}',
    "x': } exec { '/bin/true",
    /facts\.role has other/,
  ],
  'a fact that is not known': ['%{facts.rolle}', 'web', /facts\.rolle is not known/],
  'another word in braces': ['%{lookup(x)}', 'web', /found %\{lookup\(x\)\}/],
};

test('real Puppet: a template that cannot be rendered ends the run before anything is applied', async (t) => {
  const place = await puppetPlace(t);
  const applied = join(place.directory, 'applied');
  const template = join(place.directory, 'node.pp');
  await place.write({ 'manifests/site.pp': `file { '${applied}': content => 'x' }` });
  for (const [name, [text, role, expected]] of Object.entries(TEMPLATES)) {
    await writeFile(template, `node default { notify { '${text}': } }\n`);
    const hostData = {
      ...NO_HOST_DATA,
      overlay: { 'manifests/node.pp': { template } },
      facts: { ...NO_HOST_DATA.facts, set: { role } },
    };
    const run = await place.run(realPuppet({ hostData }));
    assert.deepEqual([run.status, run.errorCode], ['failed', 'HOST_DATA_FAILED'], name);
    assert.match(run.error ?? '', expected, name);
    await assert.rejects(stat(applied), name);
  }
});

test("real Puppet: its own settings as keys, and puppet.conf's node_name_value", async (t) => {
  const place = await puppetPlace(t);
  const seen = join(place.directory, 'seen');
  const { privateDirectory = '' } = place.request();
  await mkdir(join(privateDirectory, 'conf'), { recursive: true });
  await writeFile(
    join(privateDirectory, 'conf/puppet.conf'),
    '[main]\nnode_name_value = other.example.com\n',
  );
  await place.write({
    'r10k_modules/web/manifests/init.pp': `class web($from) {
      file { '${seen}': content =>
        "\${trusted['external']['rack']['rack']} \${from} \${facts['role']} \${lookup('global')} \${file('/etc/hostname') =~ /./}"
      }
      file { '${seen}-2': source => 'puppet:///share/text' }
    }`,
    'manifests/site.pp': 'notice($trusted)',
    'hieradata.yaml':
      'version: 5\nhierarchy: [{ name: g, path: global.yaml, datadir: SHARE }]\n'.replace(
        'SHARE',
        join(place.directory, 'host'),
      ),
    'bin/rack.sh': '#!/bin/sh\necho \'{"rack": "r7"}\'\n',
  });
  await writeHost(place, { 'global.yaml': 'global: g1\n', text: 'shared\n' });
  await writeHost(place, {
    'fileserver.conf': `[share]\n  path ${join(place.directory, 'host')}\n`,
  });
  await writeHost(
    place,
    { enc: "#!/bin/sh\n[ $1 = other.example.com ] && echo '{classes: {web: {from: enc}}}'\n" },
    0o755,
  );
  const hostData: HostData = {
    ...NO_HOST_DATA,
    facts: { ...NO_HOST_DATA.facts, set: { role: 'db' } },
    puppet: {
      modulepath: ['modules', 'r10k_modules'],
      hiera_config: 'hieradata.yaml',
      trusted_external_command: 'bin',
      fileserver_config: join(place.directory, 'host/fileserver.conf'),
      node_terminus: 'exec',
      external_nodes: join(place.directory, 'host/enc'),
      config_version: 'release',
      settings: { strict_variables: true, show_diff: false, statettl: '12d' },
    },
  };
  const puppet = realPuppet({ hostData });
  const run = await place.run(puppet);
  assert.equal(run.status, 'changed', run.error ?? '');
  assert.equal(await readFile(seen, 'utf8'), 'r7 enc db g1 true');
  assert.equal(await readFile(`${seen}-2`, 'utf8'), 'shared\n');
  assert.equal(run.problems, undefined);
  const { facts } = await puppet.read(place.request().runDirectory, CERTNAME);
  assert.equal(factAt(facts, 'role'), 'db');
});

test('real Puppet: config_version: environment, and node_name_fact of puppet.conf', async (t) => {
  const place = await puppetPlace(t);
  const { privateDirectory = '' } = place.request();
  await mkdir(join(privateDirectory, 'conf'), { recursive: true });
  await writeFile(join(privateDirectory, 'conf/puppet.conf'), '[main]\nnode_name_fact = asset\n');
  await place.write({
    'environment.conf': 'config_version = /bin/echo mine\n',
    'manifests/site.pp': "node 'asset-7' {}\n",
  });
  const hostData: HostData = {
    ...NO_HOST_DATA,
    facts: { ...NO_HOST_DATA.facts, set: { asset: 'asset-7' } },
    puppet: { config_version: 'environment' },
  };
  const puppet = realPuppet({ hostData });
  const run = await place.run(puppet);
  assert.equal(run.status, 'unchanged', run.error ?? '');
  const { runDirectory } = place.request();
  const report = await readFile(join(runDirectory, 'report.json'), 'utf8');
  assert.match(report, /"configuration_version":"mine"/);
  const { facts, problems } = await puppet.read(runDirectory, CERTNAME);
  assert.deepEqual([factAt(facts, 'asset'), problems], ['asset-7', []]);
});

async function treeOf(place: PuppetPlace): Promise<readonly string[]> {
  const directory = join(place.request().environmentPath, 'stable');
  const names = (await readdir(directory, { recursive: true })).sort();
  return await Promise.all(
    names.map(async (name) => {
      const { mode, mtimeMs, ino } = await lstat(join(directory, name));
      return `${name} ${mode} ${mtimeMs} ${ino}`;
    }),
  );
}
