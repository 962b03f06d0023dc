import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  interpolate,
  moduleDirectories,
  parseEnvironmentConf,
  pathInEnvironment,
} from '../../../bucket/documents/environment-conf.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** The same text for Puppet, with what it is expected to print for `manifest`. */
const texts = {
  'a plain path': { text: 'manifest = site.pp\n', want: '<env>/site.pp' },
  'double quotes': { text: 'manifest = "site.pp"\n', want: '<env>/site.pp' },
  'single quotes, no spaces': { text: "manifest='puppet/site.pp'\n", want: '<env>/puppet/site.pp' },
  'the first of two': { text: 'manifest = a\nmanifest = b\n', want: '<env>/a' },
  'a comment and another setting': { text: '# manifest = a\nfoo = b\n', want: '<env>/manifests' },
  'section main': { text: '[main]\nmanifest = a\n', want: '<env>/a' },
  'another section': { text: '[other]\nmanifest = a\n', want: '<env>/manifests' },
  'Windows line ends': { text: 'manifest = a\r\n', want: '<env>/a' },
  $environmentpath: {
    text: 'manifest = $environmentpath/production/a\n',
    want: '<env>/a',
  },
  '$environment, which Puppet keeps': {
    text: 'manifest = $codedir/$environment/a\n',
    want: '<code>/$environment/a',
  },
  $codedir: { text: 'manifest = $codedir/site\n', want: '<code>/site' },
  'a path with dots': { text: 'manifest = ./a/../b\n', want: '<env>/b' },
  'an absolute path': { text: 'manifest = /etc/site.pp\n', want: '/etc/site.pp' },
};

for (const [name, { text, want }] of Object.entries(texts)) {
  test(`environment.conf is read as Puppet reads it: ${name}`, async (t) => {
    const directory = await temporaryDirectory(t);
    const environment = join(directory, 'environments/production');
    const codeDirectory = join(directory, 'code');
    await mkdir(environment, { recursive: true });
    await writeFile(join(environment, 'environment.conf'), text);
    const own = ['conf', 'var', 'log', 'run'].map((each) => `--${each}dir=${directory}/${each}`);
    const args = ['config', 'print', 'manifest', '--environment', 'production', ...own];
    args.push('--environmentpath', join(directory, 'environments'), '--codedir', codeDirectory);
    const wanted = want.replace('<env>', environment).replace('<code>', codeDirectory);
    assert.equal(execFileSync('puppet', args, { encoding: 'utf8' }).trim(), wanted);
    const { manifest = 'manifests' } = parseEnvironmentConf(text);
    const inside = pathInEnvironment(manifest);
    const found =
      inside === undefined
        ? interpolate(manifest, {
            codedir: codeDirectory,
            environmentpath: join(directory, 'environments'),
            environment: '$environment',
          })
        : join(environment, inside);
    assert.equal(found, wanted);
  });
}

test('environment.conf: the module directories inside the environment', () => {
  const directories = (text: string) => moduleDirectories(parseEnvironmentConf(text));
  assert.deepEqual(directories(''), ['modules']);
  assert.deepEqual(directories('modulepath = "site:./modules:$basemodulepath:/opt/x:./y/"'), [
    'site',
    'modules',
    'y',
  ]);
  assert.deepEqual(directories('modulepath = ../shared:modules'), ['modules']);
  assert.equal(parseEnvironmentConf('config_version = a b').configVersion, 'a b');
});
