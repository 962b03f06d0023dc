import assert from 'node:assert/strict';
import { rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
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
  };
  for (const [name, [path, content, next]] of Object.entries(rows)) {
    await lab.commit(path, content);
    const { json } = await lab.mm(PUBLISH);
    assert.match(ErrorAnswer.parse(json).error.next ?? '', next, name);
    await lab.git('reset', '--quiet', '--hard', 'HEAD~');
  }
});
