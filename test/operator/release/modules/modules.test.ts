import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ReleaseFile } from '../../../../bucket/documents/release.ts';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import { parsePuppetfile } from '../../../../operator/release/modules/puppetfile.ts';
import { git, initialized, type OperatorLab } from '../../operator-lab.ts';
import { configure, hasR10k, PUBLISH, unpacked, withPuppetfile } from './modules-lab.ts';

test('modules: a Puppetfile is parsed without running it', () => {
  const text = `forge 'https://forge.puppet.com'
# mod 'no/comment', '1.0.0'
mod 'puppetlabs/stdlib', '9.4.1'
mod "puppetlabs-concat", :latest
mod 'apache',
  :git => 'https://example.com/apache.git',
  :tag => 'v1.0.0'
mod('ntp', git: 'https://example.com/ntp.git', branch: 'main')
mod 'profile', local: true
mod 'role', type: 'local'
=begin
mod 'acme/block', '1.0.0'
=end
__END__
mod 'acme/behind', '1.0.0'
`;
  assert.deepEqual(
    parsePuppetfile(text).map(({ name, isExact, isLocal }) => [name, isExact, isLocal]),
    [
      ['stdlib', true, false],
      ['concat', false, false],
      ['apache', true, false],
      ['ntp', false, false],
      ['profile', false, true],
      ['role', false, true],
    ],
  );
});

/** A program that installs the module. It runs in the directory of the Puppetfile. */
async function installProgram({ directory }: OperatorLab): Promise<string> {
  const program = join(directory, 'install');
  const source = join(directory, 'modules-at-home/thing');
  const copy = `rm -rf "$MM_MODULES/thing"; cp -r ${source} "$MM_MODULES"`;
  await writeFile(program, `#!/bin/sh\ngrep -q thing Puppetfile || exit 1\n${copy}\n`);
  await chmod(program, 0o755);
  return program;
}

const installer = hasR10k ? 'r10k' : 'g10k';

const installers: Record<string, (lab: OperatorLab) => Promise<string>> = {
  ...(hasR10k && { 'r10k, which is the default': () => Promise.resolve('{}') }),
  g10k: () => Promise.resolve('{ modules: g10k }'),
  'a command': async (lab) => {
    const program = relative(lab.repository, await installProgram(lab));
    return `{ modules: { command: [${program}] } }`;
  },
};

for (const [name, settings] of Object.entries(installers)) {
  test(`modules: a Puppetfile is resolved at publication by ${name}`, async (t) => {
    const lab = await initialized(t);
    const { commit } = await withPuppetfile(lab);
    configure(lab, await settings(lab));
    const status = await lab.git('status', '--porcelain');
    const { exitCode, stderr, json } = await lab.mm(PUBLISH);
    assert.equal(exitCode, 0, stderr);
    const files = unpacked(lab, PublishAnswer.parse(json));
    assert.equal(files['modules/thing/manifests/init.pp'], 'class thing { }\n');
    assert.equal(files['modules/thing/spec/x_spec.rb'], undefined);
    const [module] = ReleaseFile.parse(JSON.parse(files['release.json'] ?? '')).modules ?? [];
    assert.deepEqual([module?.name, module?.version], ['thing', '1.2.3']);
    if (name.startsWith('r10k')) assert.equal(module?.commit, commit);
    assert.equal(await lab.git('status', '--porcelain'), status, 'the work tree is not touched');
  });
}

test(`modules: with exact versions the next publication needs neither network nor ${installer}`, async (t) => {
  const lab = await initialized(t);
  const { module } = await withPuppetfile(lab);
  configure(lab, `{ modules: ${installer} }`);
  assert.equal((await lab.mm(PUBLISH)).exitCode, 0);
  await rename(module, `${module}-gone`);
  await lab.commit('manifests/more.pp', '');
  const { exitCode, stderr } = await lab.mm(PUBLISH);
  assert.equal(exitCode, 0, stderr);
  await lab.commit('Puppetfile', `mod 'thing', :git => '${module}', :tag => 'v9'\n`);
  const failed = ErrorAnswer.parse((await lab.mm(PUBLISH)).json).error;
  assert.equal(failed.code, 'RELEASE_INVALID');
  assert.ok(failed.message.includes(`${installer} did not install`), failed.message);
});

test('modules: two publications at the same time do not mix their modules', async (t) => {
  const lab = await initialized(t);
  const { module } = await withPuppetfile(lab);
  await writeFile(join(module, 'manifests/init.pp'), 'class thing { $new = 1 }\n');
  await git(module, 'commit', '--quiet', '--all', '--message', 'new');
  await git(module, 'tag', 'v2.0.0');
  await lab.git('checkout', '--quiet', '-b', 'next');
  await lab.commit('Puppetfile', `mod 'thing', :git => '${module}', :tag => 'v2.0.0'\n`);
  // Installs in two steps, as the network would, the version that the Puppetfile names.
  const program = join(lab.directory, 'slow-install');
  const show = `git -C ${module} show "$(sed "s/.*:tag => '//; s/'.*//" Puppetfile)":manifests/init.pp`;
  await writeFile(
    program,
    `#!/bin/sh\nset -e\nmkdir -p "$MM_MODULES/thing/manifests"\ncd "$MM_MODULES/.."\n${show} > "$MM_MODULES/thing/manifests/init.pp"\nsleep 1\n${show} > "$MM_MODULES/thing/manifests/again.pp"\n`,
  );
  await chmod(program, 0o755);
  configure(lab, `{ modules: { command: [${program}] } }`);
  const done = await Promise.all(
    ['main', 'next'].map((ref) => lab.mm([...PUBLISH, '--ref', ref, '--older'])),
  );
  const texts = done.map(({ json, stderr, exitCode }) => {
    assert.equal(exitCode, 0, stderr);
    const files = unpacked(lab, PublishAnswer.parse(json));
    const { 'modules/thing/manifests/init.pp': one, 'modules/thing/manifests/again.pp': two } =
      files;
    assert.equal(one, two);
    return one;
  });
  assert.deepEqual(texts, ['class thing { }\n', 'class thing { $new = 1 }\n']);
});

test('modules: an installation that was ended half-way is not taken for the one before', async (t) => {
  const lab = await initialized(t);
  await withPuppetfile(lab);
  const first = await installProgram(lab);
  const program = join(lab.directory, 'failing');
  const broken = 'echo broken > "$MM_MODULES/thing/manifests/init.pp"; exit 1';
  await writeFile(
    program,
    `#!/bin/sh\nif grep -q "'v9'" Puppetfile; then ${broken}; fi\nexec ${first}\n`,
  );
  await chmod(program, 0o755);
  configure(lab, `{ modules: { command: [${program}] } }`);
  assert.equal((await lab.mm(PUBLISH)).exitCode, 0);
  const before = await lab.git('rev-parse', 'HEAD');
  await lab.commit('Puppetfile', "mod 'thing', :git => '/nowhere', :tag => 'v9'\n");
  assert.equal((await lab.mm(PUBLISH)).exitCode, 1);
  const { json, stderr } = await lab.mm([...PUBLISH, '--ref', before, '--force']);
  const files = unpacked(lab, PublishAnswer.parse(json));
  assert.equal(files['modules/thing/manifests/init.pp'], 'class thing { }\n', stderr);
});

if (hasR10k) {
  test("modules: the user's own r10k.yaml counts", async (t) => {
    const lab = await initialized(t);
    await withPuppetfile(lab);
    const cache = join(lab.directory, 'own-cache');
    await writeFile(join(lab.repository, 'r10k.yaml'), `cachedir: ${cache}\n`);
    configure(lab, '{ modules: r10k, r10k_config: r10k.yaml }');
    const { exitCode, stderr } = await lab.mm(PUBLISH);
    assert.equal(exitCode, 0, stderr);
    // A setting with an effect on the disk.
    assert.ok((await readdir(cache)).length > 0);
  });
}

test('modules: the last error of the installer is shown without colours, and what to do', async (t) => {
  const lab = await initialized(t);
  await withPuppetfile(lab);
  const program = join(lab.directory, 'offline');
  const first = 'ERROR -> first';
  const last = '\\033[31mUnable to connect to https://forge.example.com\\033[0m';
  await writeFile(program, `#!/bin/sh\nprintf '${first}\\nERROR -> ${last}\\n' >&2\nexit 1\n`);
  await chmod(program, 0o755);
  configure(lab, `{ modules: { command: [${program}] } }`);
  const { message, next } = ErrorAnswer.parse((await lab.mm(PUBLISH)).json).error;
  assert.ok(message.endsWith(': ERROR -> Unable to connect to https://forge.example.com'), message);
  assert.match(next ?? '', /HTTPS_PROXY.*--directory DIR/);
});

test('modules: without r10k the error names r10k and the alternatives', async (t) => {
  const lab = await initialized(t);
  await withPuppetfile(lab);
  const bin = join(lab.directory, 'bin');
  await mkdir(bin);
  for (const name of ['git', 'sh']) {
    execFileSync('ln', ['-s', `/usr/bin/${name}`, join(bin, name)]);
  }
  const { json } = await lab.mm(PUBLISH, { env: { PATH: bin, HOME: lab.directory } });
  const { message, next } = ErrorAnswer.parse(json).error;
  assert.match(message, /needs r10k/);
  assert.match(next ?? '', /apt-get install r10k.*--directory DIR/);
});

test('modules: with modules: none, or with some modules missing in the repository, the missing ones are named', async (t) => {
  const lab = await initialized(t);
  await withPuppetfile(lab);
  configure(lab, '{ modules: none }');
  const { json } = await lab.mm(PUBLISH);
  assert.match(ErrorAnswer.parse(json).error.message, /would not find in the release: thing$/);
});

test('modules: ignored modules of the work tree are published, other ignored files are named', async (t) => {
  const lab = await initialized(t);
  await withPuppetfile(lab);
  await lab.write('modules/thing/manifests/init.pp', 'class thing { }\n');
  await lab.write('modules/.resource_types/x', '');
  const args = ['publish', '--working-tree', '--no-validate', '--json'];
  const { exitCode, stderr, json } = await lab.mm(args);
  assert.equal(exitCode, 0, stderr);
  const files = unpacked(lab, PublishAnswer.parse(json));
  assert.equal(files['modules/thing/manifests/init.pp'], 'class thing { }\n');
  assert.match(stderr, /git ignores, so not published: .*miyamoto\.yaml/);
});

if (hasR10k) test('publish --directory: what r10k deployed, with its commit', publishDeployed);
async function publishDeployed(t: TestContext): Promise<void> {
  const lab = await initialized(t);
  const { commit: moduleCommit } = await withPuppetfile(lab);
  const commit = await lab.git('rev-parse', 'main');
  const config = join(lab.directory, 'r10k.yaml');
  const environments = join(lab.directory, 'environments');
  await writeFile(
    config,
    `cachedir: ${join(lab.directory, 'cache')}
sources: { main: { remote: '${lab.repository}', basedir: '${environments}' } }
`,
  );
  execFileSync('r10k', ['deploy', 'environment', 'main', '-m', '--config', config], {
    stdio: 'pipe',
  });
  const directory = join(environments, 'main');
  const args = ['publish', 'stable', '--directory', directory, '--no-validate', '--json'];
  const { exitCode, stderr, json } = await lab.mm(args);
  assert.equal(exitCode, 0, stderr);
  const answer = PublishAnswer.parse(json);
  assert.equal(answer.release.commit, commit);
  const files = unpacked(lab, answer);
  assert.equal(files['modules/thing/manifests/init.pp'], 'class thing { }\n');
  assert.ok(!Object.keys(files).some((path) => path.includes('.git/')));
  const [module] = ReleaseFile.parse(JSON.parse(files['release.json'] ?? '')).modules ?? [];
  assert.equal(module?.commit, moduleCommit);
  assert.equal((await lab.mm([...args, '--ref', 'main'])).exitCode, 2);
  const missing = ['publish', 'stable', '--directory', `${dirname(environments)}/no`, '--json'];
  assert.equal((await lab.mm(missing)).exitCode, 2);
}
