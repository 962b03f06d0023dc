import assert from 'node:assert/strict';
import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import { isComputed } from '../../../../operator/release/modules/puppetfile.ts';
import { git, initialized } from '../../operator-lab.ts';
import { configure, hasR10k, PUBLISH, unpacked, withPuppetfile } from './modules-lab.ts';

const LAYOUT = `moduledir 'vendor' # not modules/
mod 'acme/thing',
  :git => 'MODULE',
  :branch => :control_branch
mod 'data', :git => 'MODULE', :ref => 'v1.2.3', :install_path => 'external'
`;

for (const name of hasR10k ? (['r10k', 'g10k'] as const) : (['g10k'] as const)) {
  test(`modules: moduledir, install_path and :control_branch of a Puppetfile behind a link count with ${name}`, async (t) => {
    const lab = await initialized(t);
    const { module } = await withPuppetfile(lab);
    await git(module, 'branch', '--move', 'main', 'testing');
    await writeFile(join(module, 'manifests/init.pp'), 'class thing { $testing = 1 }\n');
    await git(module, 'commit', '--quiet', '--all', '--message', 'testing');
    // r10k is the default, also where modulepath begins with modules of the repository.
    if (name !== 'r10k') configure(lab, `{ modules: ${name} }`);
    await lab.git('checkout', '--quiet', '-B', 'testing');
    await lab.write('etc/x.conf', 'modulepath = "site:./vendor/:$basemodulepath"\n');
    await symlink('etc/x.conf', join(lab.repository, 'environment.conf'));
    await lab.write('site/profile/manifests/init.pp', 'class profile { }\n');
    await lab.write('vendor/.gitkeep', '');
    await rm(join(lab.repository, 'Puppetfile'));
    await symlink('etc/Puppetfile', join(lab.repository, 'Puppetfile'));
    await lab.commit('etc/Puppetfile', LAYOUT.replaceAll('MODULE', module));
    const { exitCode, stderr, json } = await lab.mm([...PUBLISH, '--ref', 'testing']);
    assert.equal(exitCode, 0, stderr);
    const files = unpacked(lab, PublishAnswer.parse(json));
    assert.match(files['vendor/thing/manifests/init.pp'] ?? '', /testing/);
    assert.match(files['external/data/manifests/init.pp'] ?? '', /class thing { }/);
    assert.deepEqual(
      Object.keys(files).filter((path) => /^(site|modules)/.test(path)),
      ['site/profile/manifests/init.pp'],
    );
  });
}

test('modules: what to do about modules that Puppet would not find', async (t) => {
  const lab = await initialized(t);
  await withPuppetfile(lab);
  configure(lab, '{ modules: { command: ["true"] } }');
  const rows: Record<string, [path: string, content: string, next: RegExp]> = {
    'no directory of modulepath is in the environment': [
      'environment.conf',
      'modulepath = $basemodulepath\n',
      /^add modules to modulepath/,
    ],
    'they are in a directory that modulepath does not name': [
      'vendor/modules/thing/manifests/init.pp',
      'class thing { }\n',
      /^add vendor\/modules to modulepath/,
    ],
    'the installer put them elsewhere': ['README', '', /no thing into modules$/],
    'they are said to be in git': ['Puppetfile', "mod 'a', local: true\n", /add modules\/a to git/],
  };
  for (const [name, [path, content, next]] of Object.entries(rows)) {
    await lab.commit(path, content);
    const { json } = await lab.mm(PUBLISH);
    assert.match(ErrorAnswer.parse(json).error.next ?? '', next, name);
    await lab.git('reset', '--quiet', '--hard', 'HEAD~');
  }
});

test('modules: what only the run of a Puppetfile shows is installed, each time into an empty directory', async (t) => {
  const lab = await initialized(t);
  const { module } = await withPuppetfile(lab);
  const program = `cp -r ${module} "$MM_MODULES/$WHICH"; touch "$MM_MODULES/list"; mkdir -p data; cp -r ${module} data/d`;
  configure(lab, `{ modules: { command: [sh, -c, '${program}'] } }`);
  const puppetfiles = {
    'a loop': "%w[one].each do |name|\n  mod name, tag: 'v1'\nend\n",
    'a condition': "mod 'one', tag: 'v1' if ENV['WHICH'] == 'one'\nmod 'two', tag: 'v1'\n",
    'two in one line': "mod 'one', tag: 'v1'; mod 'two', tag: 'v1'\n",
    'another file': "instance_eval File.read('more')\n",
  };
  for (const [name, text] of Object.entries(puppetfiles)) {
    await lab.commit('Puppetfile', `${text}mod 'd', tag: 'v1', install_path: 'data'\n`);
    for (const WHICH of ['one', 'two']) {
      const env = { PATH: process.env['PATH'], HOME: lab.directory, WHICH };
      const { json, stderr } = await lab.mm([...PUBLISH, '--force'], { env });
      const files = Object.keys(unpacked(lab, PublishAnswer.parse(json, { error: () => stderr })));
      const manifests = files.filter((path) => path.endsWith('init.pp'));
      const wanted = ['data/d/manifests/init.pp', `modules/${WHICH}/manifests/init.pp`];
      assert.deepEqual(manifests.sort(), wanted, name);
    }
  }
});

test('modules: a Puppetfile is a list, with names of texts, or a program', () => {
  const lists = [
    "forge 'https://forge.puppet.com' # a mod\r\nmod 'a/b', '1.0.0'\r\n",
    "\ufeffmoduledir('x')\nmod(\"a-b\", { :git => 'x::y', :ref => :control_branch })\n",
    "BASE = 'https://example.com'\nmod 'b',\n  git: \"#{BASE}/b\", # comment\n  tag: 'v1'\n",
    "base = 'x'\nmod 'b', git: base,\n  tag: 'v1'\nmod 'c', :git => base\n",
    "=begin\nif x\n=end\nmetadata\nmod 'b', :latest\n__END__\nif x\n",
  ];
  for (const text of lists) assert.equal(isComputed(text), false, text);
  const programs = [
    "mod name, '1.0.0'",
    'mod "#{x}b", \'1.0.0\'',
    "mod 'b', '1.0.0' if x",
    "base = ENV['BASE']\nmod 'b', git: base",
    'mod \'b\', tag: "#{`git tag`}"',
    "mod 'b', tag: \"#{ENV['TAG']}\"",
    "mod 'b', tag: 'v1'; mod 'c', tag: 'v1'",
    "eval File.read('x')",
    "load 'x'",
  ];
  for (const text of programs) assert.equal(isComputed(text), true, text);
});

test('modules: a module in git beside those of the Puppetfile, by local: true', async (t) => {
  const lab = await initialized(t);
  const { module } = await withPuppetfile(lab);
  if (!hasR10k) configure(lab, '{ modules: g10k }');
  await lab.write('.gitignore', 'miyamoto.yaml\n*.root.json\n.miyamoto/\n');
  await lab.write('modules/mine/manifests/init.pp', 'class mine { }\n');
  const thing = `mod 'thing', :git => '${module}', :tag => 'v1.2.3'\n`;
  await lab.commit('Puppetfile', `mod 'mine', :local => true\n${thing}`);
  const { json, stderr } = await lab.mm(PUBLISH);
  const files = unpacked(lab, PublishAnswer.parse(json, { error: () => stderr }));
  assert.deepEqual(
    ['mine', 'thing'].map((name) => files[`modules/${name}/manifests/init.pp`]),
    ['class mine { }\n', 'class thing { }\n'],
  );
});

test('modules: an installer and an r10k.yaml that are not there are errors of miyamoto.yaml', async (t) => {
  const lab = await initialized(t);
  await withPuppetfile(lab);
  const config = join(lab.repository, 'miyamoto.yaml');
  const given = await readFile(config, 'utf8');
  await lab.write('broken.yaml', 'a: [\n');
  const rows = {
    '{ modules: { command: [./nope, x] } }': /^publish\.modules: .*nope is not a program/,
    '{ modules: r10k, r10k_config: nope.yaml }': /^publish\.r10k_config: there is no .*nope\.yaml$/,
    '{ modules: r10k, r10k_config: broken.yaml }': /^publish\.r10k_config: .*broken\.yaml: /,
  };
  for (const [settings, message] of Object.entries(rows)) {
    await writeFile(config, `publish: ${settings}\n${given}`);
    const { error } = ErrorAnswer.parse((await lab.mm(PUBLISH)).json);
    assert.equal(error.code, 'CONFIG_INVALID', settings);
    assert.match(error.message, message);
  }
});
