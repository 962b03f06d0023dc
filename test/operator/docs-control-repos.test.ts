import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { appendFile, chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { BUCKET, git, initialized, type OperatorLab } from './operator-lab.ts';

/** The commands of docs/control-repos.md run as they are written, on a repository of each kind. */
const page = readFileSync(join(import.meta.dirname, '../../docs/control-repos.md'), 'utf8');
const [, kindsPart = ''] = page.split('## Each kind, with its commands\n');
const SECTIONS = new Map(
  (kindsPart.split('\n## ')[0] ?? '')
    .split('\n### ')
    .slice(1)
    .map((text) => [text.split('\n', 1)[0] ?? '', text]),
);

interface Kind {
  /** Makes the repository what its owner has before the commands. */
  prepare(lab: OperatorLab): Promise<unknown>;
  /** Path in the release to what must be in it. */
  readonly published: Readonly<Record<string, RegExp>>;
}

const site = { 'manifests/site.pp': /node default/ };
const thing = { ...site, 'modules/thing/manifests/init.pp': /class thing/ };

/** Debian forky has no r10k, and the set-up cannot install it there. */
const hasR10k = spawnSync('r10k', ['version']).error === undefined;

const KINDS: Readonly<Record<string, Kind>> = {
  'Plain modules': {
    prepare: (lab) => lab.commit('modules/thing/manifests/init.pp', 'class thing { }\n'),
    published: thing,
  },
  r10k: {
    async prepare(lab) {
      await withPuppetfile(lab);
      await writeFile(join(lab.repository, 'r10k.yaml'), `cachedir: ${lab.directory}/cache\n`);
    },
    published: { ...thing, 'release.json': /"name": "thing"/ },
  },
  g10k: { prepare: withPuppetfile, published: thing },
  'librarian-puppet': {
    async prepare(lab) {
      const module = await withPuppetfile(lab);
      // A stand-in: no Debian of the tests has it installed. It gets the arguments of the page.
      const program = join(lab.directory, 'bin/librarian-puppet');
      const copy = `[ "$1 $2" = 'install --path' ] && cp -r ${module} "$3/thing"`;
      await mkdir(dirname(program));
      await writeFile(program, `#!/bin/sh\n${copy}\n`);
      await chmod(program, 0o755);
    },
    published: thing,
  },
  Submodules: {
    async prepare(lab) {
      const module = await thingRepository(lab);
      const allow = ['-c', 'protocol.file.allow=always'];
      await lab.git(...allow, 'submodule', '--quiet', 'add', module, 'modules/thing');
      await lab.commit('README', '');
      await lab.git('submodule', 'deinit', '--force', '--quiet', 'modules/thing');
      await rm(join(lab.repository, '.git/modules/modules'), { recursive: true });
    },
    published: thing,
  },
  eyaml: {
    async prepare(lab) {
      const options = '{ pkcs7_private_key: /etc/puppetlabs/puppet/eyaml/private_key.pem }';
      const level = `{ name: secrets, lookup_key: eyaml_lookup_key, path: secrets.eyaml, options: ${options} }`;
      await lab.write('hiera.yaml', `version: 5\nhierarchy:\n  - ${level}\n`);
      await lab.commit('data/secrets.eyaml', 'password: ENC[PKCS7,MIIBeQYJKoZIhvcNAQcDoIIB]\n');
    },
    published: { ...site, 'data/secrets.eyaml': /ENC\[PKCS7/, 'hiera.yaml': /eyaml_lookup_key/ },
  },
  'git-lfs': {
    async prepare(lab) {
      const origin = join(lab.directory, 'origin.git');
      await git(lab.directory, 'init', '--quiet', '--bare', origin);
      await lab.git('remote', 'add', 'origin', `file://${origin}`);
      const run = (...args: string[]) => inRepository(lab, 'git', args);
      await run('lfs', 'install', '--local');
      await lab.write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
      await lab.write('modules/thing/files/large.bin', 'the large file\n');
      await run('add', '--all');
      await run('commit', '--quiet', '--message', 'large');
      await run('push', '--quiet', 'origin', 'main');
      await rm(join(lab.repository, '.git/lfs/objects'), { recursive: true });
    },
    published: { ...site, 'modules/thing/files/large.bin': /^the large file$/m },
  },
  'The older form': {
    async prepare(lab) {
      await rm(join(lab.repository, 'manifests'), { recursive: true });
      await lab.write('classes/thing.pp', 'class thing { }\n');
      await lab.write('config.json', '{}\n');
      await lab.commit('nodeless_site.pp', "import 'classes/*.pp'\ninclude thing\n");
    },
    published: { 'nodeless_site.pp': /^include thing\n$/, 'classes/thing.pp': /class thing/ },
  },
};

async function thingRepository({ directory }: OperatorLab): Promise<string> {
  const module = join(directory, 'puppet-thing');
  await mkdir(join(module, 'manifests'), { recursive: true });
  await git(module, 'init', '--quiet', '--initial-branch=main');
  await writeFile(join(module, 'manifests/init.pp'), 'class thing { }\n');
  await writeFile(join(module, 'metadata.json'), '{"name": "acme-thing", "version": "1.2.3"}\n');
  await git(module, 'add', '--all');
  await git(module, 'commit', '--quiet', '--message', 'thing');
  await git(module, 'tag', 'v1.2.3');
  return module;
}

async function withPuppetfile(lab: OperatorLab): Promise<string> {
  const module = await thingRepository(lab);
  await lab.write('.gitignore', 'miyamoto.yaml\n*.root.json\n.miyamoto/\n/modules/\n');
  await lab.commit('Puppetfile', `mod 'thing', :git => '${module}', :tag => 'v1.2.3'\n`);
  return module;
}

function environmentOf({ directory }: OperatorLab): NodeJS.ProcessEnv {
  return {
    PATH: `${join(directory, 'bin')}:${process.env['PATH']}`,
    HOME: join(directory, 'home'),
    GIT_CONFIG_COUNT: '3',
    // Submodules of these tests are directories; a person has a name.
    ...{ GIT_CONFIG_KEY_0: 'protocol.file.allow', GIT_CONFIG_VALUE_0: 'always' },
    ...{ GIT_CONFIG_KEY_1: 'user.name', GIT_CONFIG_VALUE_1: 'ann' },
    ...{ GIT_CONFIG_KEY_2: 'user.email', GIT_CONFIG_VALUE_2: 'ann@example.com' },
  };
}

async function inRepository(lab: OperatorLab, program: string, args: string[]): Promise<void> {
  const options = { cwd: lab.repository, env: environmentOf(lab) };
  await promisify(execFile)(program, args, options);
}

function blocksOf(section: string, language: string): string[] {
  return [...section.matchAll(/^```(\w+)\n(.*?)^```/gms)].flatMap(([, name, text = '']) =>
    name === language ? [text] : [],
  );
}

async function runPage(t: TestContext, section: string, kind: Kind): Promise<void> {
  const lab = await initialized(t);
  await kind.prepare(lab);
  for (const yaml of blocksOf(section, 'yaml')) {
    await appendFile(join(lab.repository, 'miyamoto.yaml'), yaml);
  }
  const commands = blocksOf(section, 'sh').flatMap((block) => block.trimEnd().split('\n'));
  assert.equal(commands.at(-1), 'mm publish stable');
  for (const command of commands) {
    if (!command.startsWith('mm ')) {
      await inRepository(lab, 'sh', ['-c', command]);
      continue;
    }
    const { exitCode, stderr } = await lab.mm(command.split(' ').slice(1), {
      env: environmentOf(lab),
    });
    assert.equal(exitCode, 0, `${command}\n${stderr}`);
  }
  const [key = ''] = lab.server.keys(BUCKET).filter((each) => each.includes('/blobs/'));
  const input = lab.server.get(BUCKET, key);
  for (const [path, wanted] of Object.entries(kind.published)) {
    assert.match(execFileSync('tar', ['-xzO', path], { input, encoding: 'utf8' }), wanted);
  }
}

test('docs: control-repos.md has the commands of each kind that is tried here, and no others', () => {
  assert.deepEqual([...SECTIONS.keys()], Object.keys(KINDS));
});

for (const [name, kind] of Object.entries(KINDS)) {
  if (name === 'r10k' && !hasR10k) continue;
  test(`docs: the commands of control-repos.md publish a repository of the kind: ${name}`, async (t) => {
    await runPage(t, SECTIONS.get(name) ?? '', kind);
  });
}
