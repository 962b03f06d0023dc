import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import {
  interpolate,
  moduleDirectories,
  parseEnvironmentConf,
  pathInEnvironment,
} from '../../../bucket/documents/environment-conf.ts';
import { findPuppet } from '../../../operator/puppet/find-puppet.ts';

/** Puppet ends with an error. */
const REFUSED = '';

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
  'a comment behind the value': { text: 'manifest = a # b\n', want: '<env>/a # b' },
  'one quote of each kind': { text: `\tmanifest\t=\t"a b'\n`, want: '<env>/a b' },
  'another case': { text: 'Manifest = a\n', want: '<env>/manifests' },
  'a section with blanks and letters of another script': {
    text: '  [größe]  \nmanifest = b\n',
    want: '<env>/manifests',
  },
  'a value that is empty': { text: 'manifest =\n', want: '<env>' },
  'a byte order mark': { text: '\ufeff# x\nmanifest = a\n', want: REFUSED },
  'a blank that Ruby does not know': { text: 'manifest\u00a0= a\n', want: REFUSED },
  'a lone carriage return': { text: '[main]\rmanifest = a', want: REFUSED },
  'a section with blanks inside': { text: '[ main ]\nmanifest = a\n', want: REFUSED },
  'a comment of another kind': { text: 'manifest = a\n; x\n', want: REFUSED },
  'a colon, in a section that does not count': { text: '[x]\na : b\n', want: REFUSED },
  'bytes that are not UTF-8': {
    text: Buffer.from('# caf\xe9\nmanifest = a\n', 'latin1'),
    want: REFUSED,
  },
  'options of a file': {
    text: 'manifest = a { owner = root, mode = 644 }\n',
    want: '<env>/a',
  },
  'braces that are no options of a file': { text: 'modulepath = {a,b}\n', want: REFUSED },
  'a mode in letters': { text: 'manifest = a {mode = rw}\n', want: REFUSED },
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

/** Runs `puppet` once for each list of arguments and prints the outputs. Puppet is loaded once. */
const PRINTED = `
  require 'json'
  require 'puppet'
  require 'puppet/util/command_line'
  outputs = JSON.parse(ARGV[0]).map do |arguments|
    IO.popen('-') { |child| child ? child.read : Puppet::Util::CommandLine.new('puppet', arguments).execute }
  end
  print JSON.generate(outputs)`;

suite('environment.conf is read as Puppet reads it', () => {
  const directory = mkdtempSync(join(tmpdir(), 'miyamoto-conf-'));
  after(() => rm(directory, { recursive: true }));
  const codeDirectory = join(directory, 'code');
  const environmentPath = (index: number) => join(directory, `environments-${index}`);
  const environmentOf = (index: number) => join(environmentPath(index), 'production');
  let printed: readonly string[] = [];

  before(async () => {
    const own = ['conf', 'var', 'log', 'run'].map((each) => `--${each}dir=${directory}/${each}`);
    const print = ['config', 'print', 'manifest', '--environment', 'production', ...own];
    const calls: string[][] = [];
    for (const [index, { text }] of Object.values(texts).entries()) {
      await mkdir(environmentOf(index), { recursive: true });
      await writeFile(join(environmentOf(index), 'environment.conf'), text);
      const places = ['--environmentpath', environmentPath(index), '--codedir', codeDirectory];
      calls.push([...print, ...places]);
    }
    const { ruby } = findPuppet(process.env) ?? assert.fail('no Puppet');
    const words = [...ruby.arguments, '-e', PRINTED, JSON.stringify(calls)];
    printed = JSON.parse(
      execFileSync(ruby.path, words, { encoding: 'utf8', stdio: 'pipe' }),
    ) as string[];
  });

  for (const [index, [name, { text, want }]] of Object.entries(texts).entries()) {
    test(name, () => {
      const environment = environmentOf(index);
      const wanted = want.replace('<env>', environment).replace('<code>', codeDirectory);
      assert.equal(printed[index]?.trim(), wanted);
      assert.equal(parseEnvironmentConf(text.toString()).refused !== undefined, want === REFUSED);
      if (want === REFUSED) return;
      const { manifest = 'manifests' } = parseEnvironmentConf(text.toString());
      const inside = pathInEnvironment(manifest);
      const found =
        inside === undefined
          ? interpolate(manifest, {
              codedir: codeDirectory,
              environmentpath: environmentPath(index),
              environment: '$environment',
            })
          : join(environment, inside);
      assert.equal(found, wanted);
    });
  }
});

test('environment.conf: the module directories inside the environment', () => {
  const directories = (text: string) => moduleDirectories(parseEnvironmentConf(text));
  assert.deepEqual(directories(''), ['modules']);
  assert.deepEqual(directories('modulepath = "site:./modules:$basemodulepath:/opt/x:./y/"'), [
    'site',
    'modules',
    'y',
  ]);
  assert.deepEqual(directories('modulepath = ../shared:modules'), ['modules']);
});
