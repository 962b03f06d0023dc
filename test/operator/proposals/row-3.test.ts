import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { blobKey } from '../../../bucket/layout.ts';
import { ErrorAnswer } from '../../../operator/answers.ts';
import { requireLiteral } from '../../../operator/release/modules/puppetfile.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { changed, codeOf } from '../key-commands.ts';
import { BUCKET, git, TREE } from '../operator-lab.ts';
import {
  COMMIT,
  type Documents,
  edited,
  FILE,
  put,
  readProposalOf,
  releaseOf,
  sign,
  type Team,
  team,
} from './team.ts';

const SIGN = ['root', 'sign', FILE];

/** The release in the proposal with other fields, as a carrier or a false proposer writes it. */
async function proposeWith(people: Team, change: (target: JsonObject) => object): Promise<void> {
  const good = await releaseOf(people);
  const targets = jsonObject(good.documents[0]?.signed['targets']);
  const target = jsonObject(targets['stable/current']);
  const content = { 'stable/current': { ...target, ...change(target) } };
  await put(people, edited(good, 'env-stable', { targets: content }));
}

/** `root sign` adds no signature, and `root commit` never does. Returns the error of the first. */
async function refused(people: Team, code: string): Promise<ErrorAnswer['error']> {
  const before = await readFile(people.proposal, 'utf8');
  for (const args of [
    [...SIGN, ...people.bob],
    [...SIGN, '--noop'],
  ]) {
    assert.equal(await codeOf(people, args), code, args.join(' '));
  }
  assert.equal(await codeOf(people, COMMIT), 'PROPOSAL_INVALID');
  assert.equal(await readFile(people.proposal, 'utf8'), before);
  const { json } = await people.mm([...SIGN, ...people.bob, '--json']);
  return ErrorAnswer.parse(json).error;
}

async function addToConfig(people: Team, line: string): Promise<void> {
  const path = join(people.repository, 'miyamoto.yaml');
  await writeFile(path, `${line}\n${await readFile(path, 'utf8')}`);
}

test('row 3: the commit of a release is packed again before it is signed', async (t) => {
  const people = await team(t);
  await releaseOf(people);
  const commit = await people.git('rev-parse', 'HEAD');
  const { rebuilt } = await sign(people, '--noop');
  assert.deepEqual(
    rebuilt.map(({ path, outcome, commit: of }) => [path, outcome, of]),
    [['stable/current', 'same', commit]],
  );
  const { stdout, stderr, exitCode } = await people.mm([...SIGN, ...people.bob]);
  assert.equal(exitCode, 0, stderr);
  const sha256 = String(rebuilt[0]?.sha256);
  assert.ok(
    `${stdout}${stderr}`.includes(
      `stable/current: rebuilt from commit ${commit} of main in this clone: the same sha256 ${sha256}\n`,
    ),
    stderr,
  );
  assert.doesNotMatch(stderr, /is not on main/);
  const key = blobKey(TREE, sha256);
  const tarball = people.server.get(BUCKET, key) ?? '';
  people.server.put(BUCKET, key, 'what a writer of the bucket put there');
  assert.equal(await codeOf(people, COMMIT), 'RELEASE_INVALID');
  people.server.put(BUCKET, key, tarball);
  await changed(people, COMMIT);
});

test('row 3: another sha256 than that of the commit is refused', async (t) => {
  const people = await team(t);
  await proposeWith(people, () => ({ hashes: { sha256: 'ab'.repeat(32) } }));
  const { message, next } = await refused(people, 'RELEASE_INVALID');
  assert.match(message, /packs to sha256 [0-9a-f]{64} in .*, and the proposal has (ab){32}$/);
  assert.match(String(next), /^do not sign/);
  const { rebuilt } = await sign(people, ...people.bob, '--no-rebuild');
  assert.equal(rebuilt[0]?.outcome, 'not-compared');
});

test('row 3: another length, version, ref or links than those of the tarball are refused', async (t) => {
  for (const fields of [{ version: '9.0.0' }, { ref: 'testing' }, { links: 'keep' }, {}]) {
    const people = await team(t);
    await proposeWith(people, ({ length, custom }) => ({
      length: Number(length) + (Object.keys(fields).length === 0 ? 1 : 0),
      custom: { ...jsonObject(custom), ...fields },
    }));
    await refused(people, 'RELEASE_INVALID');
  }
});

test('row 3: another commit than the one that was packed is refused', async (t) => {
  const people = await team(t);
  const good = await people.git('rev-parse', 'HEAD');
  await people.commit('manifests/evil.pp', 'class evil { }\n');
  await proposeWith(people, ({ custom }) => ({ custom: { ...jsonObject(custom), commit: good } }));
  await refused(people, 'RELEASE_INVALID');
});

test('row 3: a tag with the name of a good commit does not stand for it', async (t) => {
  const people = await team(t);
  const good = await people.git('rev-parse', 'HEAD');
  await people.commit('manifests/evil.pp', 'class evil { }\n');
  await people.git('tag', good, 'HEAD');
  await people.git('branch', good, 'HEAD');
  await proposeWith(people, ({ custom }) => ({ custom: { ...jsonObject(custom), commit: good } }));
  await refused(people, 'RELEASE_INVALID');
});

test('row 3: without the commit in this clone the next command is git fetch', async (t) => {
  const people = await team(t);
  const clone = join(people.directory, 'clone');
  await git(people.directory, 'clone', '--quiet', people.repository, clone);
  await people.commit('manifests/new.pp', 'class fresh { }\n');
  await releaseOf(people);
  await addToConfig(people, `repository: ${clone}`);
  const { message, next } = await refused(people, 'GIT_FAILED');
  assert.match(message, /^commit [0-9a-f]{40} is not in /);
  assert.equal(next, `git -C ${clone} fetch --all --tags; then the same command again`);
  const bob = [...SIGN, ...people.bob];
  const { stderr } = await people.mm([...bob, '--noop', '--no-rebuild']);
  assert.match(stderr, /stable\/current: not compared with a commit in this clone: --no-rebuild/);
  await git(clone, 'fetch', '--quiet', '--all', '--tags');
  assert.equal((await sign(people, ...people.bob)).rebuilt[0]?.outcome, 'same');
});

for (const [name, args] of Object.entries({
  'a work tree': ['--working-tree'],
  'a directory of r10k': ['--directory', '.'],
})) {
  test(`row 3: the release of ${name} cannot be rebuilt, and is only signed with --no-rebuild`, async (t) => {
    const people = await team(t);
    await releaseOf(people, ...args);
    const { message } = await refused(people, 'RELEASE_INVALID');
    assert.match(message, /^stable\/current cannot be rebuilt in this clone/);
    const { outcome, rebuilt } = await sign(people, ...people.bob, '--no-rebuild');
    assert.deepEqual([outcome, rebuilt[0]?.outcome], ['signed', 'not-compared']);
  });
}

test('row 3: root changes and renewals need no clone', async (t) => {
  const people = await team(t);
  await releaseOf(people);
  await sign(people, ...people.bob);
  await changed(people, COMMIT);
  await addToConfig(people, 'repository: /nonexistent');
  for (const args of [
    ['renew', 'root', 'targets', 'stable'],
    ['key', 'rotate', '--role', 'testing', '--add', 'bob.pub.json'],
  ]) {
    await changed(people, [...args, '--out', FILE]);
    assert.deepEqual((await sign(people, ...people.bob)).rebuilt, []);
    await changed(people, COMMIT);
  }
  // What says that it is a publication is compared: others believe it.
  await forge(people, 3);
  assert.equal(await codeOf(people, [...SIGN, '--noop']), 'GIT_FAILED');
  // Also what is signed with it already, and comes true with the next version.
  const version = Number((await forge(people, 5)).signed['version']);
  assert.equal(version, 5);
  await sign(people, ...people.bob, '--no-rebuild');
  await sign(people, '--no-rebuild');
  await changed(people, COMMIT);
  await forge(people, version);
  assert.equal(await codeOf(people, [...SIGN, '--noop']), 'GIT_FAILED');
});

/** Proposes a renewal of stable that says it is a publication. */
async function forge(people: Team, after: number): Promise<Documents[number]> {
  await changed(people, ['renew', 'stable', '--out', FILE]);
  const good = await readProposalOf(people);
  const targets = jsonObject(good.documents[0]?.signed['targets']);
  const release = jsonObject(targets['stable/current']);
  const change = { action: 'publish', by: 'ann', at: '2026-11-30T00:00:00Z', reason: '', after };
  const custom = { ...jsonObject(release['custom']), change };
  const content = { targets: { 'stable/current': { ...release, custom } } };
  const forged = edited(good, 'env-stable', content);
  await put(people, forged);
  const [document] = forged.documents;
  assert.ok(document !== undefined);
  return document;
}

test('row 3: modules, excluded paths and filters give the same bytes as mm publish', async (t) => {
  const people = await team(t);
  const program = join(people.directory, 'install');
  const module = join(people.directory, 'module');
  await mkdir(join(module, 'manifests'), { recursive: true });
  await writeFile(join(module, 'manifests/init.pp'), 'class thing { }\n');
  const copy = `rm -rf "$MM_MODULES/thing"; cp -r ${module} "$MM_MODULES/thing"`;
  await writeFile(program, `#!/bin/sh\n${copy}\n`);
  await chmod(program, 0o755);
  await people.git('config', 'filter.upper.smudge', 'tr a-z A-Z');
  await people.write('.gitattributes', '*.txt filter=upper\n');
  await people.write('files/a.txt', 'text\n');
  await people.write('notes/private.txt', 'not published\n');
  await people.commit('Puppetfile', "mod 'acme/thing', '1.0.0' # from the forge\n");
  const publish = { modules: { command: [program] }, exclude: ['notes/'], filters: ['upper'] };
  await addToConfig(people, `publish: ${JSON.stringify(publish)}`);
  await releaseOf(people);
  assert.equal((await sign(people, ...people.bob)).rebuilt[0]?.outcome, 'same');
});

test('row 3: a Puppetfile of somebody else with code in it is refused, and not run', async (t) => {
  const people = await team(t);
  const mark = join(people.directory, 'ran');
  await people.commit('Puppetfile', `File.write('${mark}', '')\nmod 'acme/thing', '1.0.0'\n`);
  const program = join(people.directory, 'install');
  const install =
    'mkdir -p "$MM_MODULES/thing/manifests"; touch "$MM_MODULES/thing/manifests/a.pp"';
  await writeFile(program, `#!/bin/sh\n${install}\nruby Puppetfile; touch ${mark}\n`);
  await chmod(program, 0o755);
  await addToConfig(people, `publish: ${JSON.stringify({ modules: { command: [program] } })}`);
  await releaseOf(people);
  assert.ok(existsSync(mark), 'it is the code of the publisher');
  await writeFile(program, `#!/bin/sh\n${install}\ntouch ${mark}-again\n`);
  const { message } = await refused(people, 'RELEASE_INVALID');
  assert.match(message, /^line 1 of the Puppetfile/);
  assert.ok(!existsSync(`${mark}-again`));
});

test('row 3: what a Puppetfile may have when somebody else chose the commit', () => {
  const good = `forge 'https://forge.puppet.com'
moduledir 'modules'
mod 'puppetlabs/stdlib', '9.4.1' # why
mod "puppetlabs-concat", :latest
mod 'apache',
  :git => 'git@example.com:apache.git',
  :tag => 'v1.0.0'
mod('ntp', git: 'https://example.com/ntp.git', branch: 'main', default_branch: 'x')
mod 'profile', local: true
mod 'data', git: 'https://example.com/data.git', install_path: 'external', exclude_spec: true
`;
  requireLiteral(good, 'mm');
  for (const bad of [
    'system("id")',
    '`id`',
    '%x(id)',
    "mod 'a', '1.0.0'; exit",
    'mod "a#{`id`}", "1"',
    "mod 'a', :git => '--upload-pack=id'",
    "mod 'a', :git => 'ext::sh -c id'",
    "mod 'a', :install_path => '../..'",
    "moduledir '/etc'",
    "moduledir '../x'",
    "mod 'a\\', '1'",
    '=begin\n=end',
    '__END__',
    'eval(mod)',
    "mod.send 'x'",
    "local::X 'y'",
    "'unfinished",
  ]) {
    assert.throws(() => requireLiteral(`${good}${bad}\n`, 'mm'), { code: 'RELEASE_INVALID' }, bad);
  }
});

test('row 3: a promoted release is packed again for the environment that it was packed for', async (t) => {
  const people = await team(t);
  await releaseOf(people);
  const published = await people.mm(['publish', 'testing', '--no-validate']);
  assert.equal(published.exitCode, 0, published.stderr);
  const promoted = await people.mm(['promote', 'testing', 'stable', '--out', FILE]);
  assert.equal(promoted.exitCode, 0, promoted.stderr);
  const { rebuilt, added } = await sign(people, ...people.bob);
  assert.deepEqual(
    rebuilt.map(({ path, outcome }) => [path, outcome]),
    [['stable/current', 'same']],
  );
  assert.equal(added.length, 1);
  await changed(people, COMMIT);
});

test('row 3: mm root sign compares proposed binaries, and says which it did not compare', async (t) => {
  const people = await team(t);
  await writeFile(join(people.directory, 'a.deb'), 'package');
  for (const args of [
    ['binaries', 'init', '--out', FILE],
    ['root', 'sign', FILE, ...people.bob],
    COMMIT,
    ['binaries', 'put', join(people.directory, 'a.deb'), '--out', FILE],
  ]) {
    const { exitCode, stderr } = await people.mm(args);
    assert.equal(exitCode, 0, stderr);
  }
  const outcomes = async (...more: string[]) => {
    const { binaries } = await sign(people, '--noop', ...more);
    return binaries.map(({ name, outcome }) => `${name} ${outcome}`);
  };
  assert.deepEqual(await outcomes(), ['a.deb not-compared']);
  assert.deepEqual(await outcomes('--binary', people.directory), ['a.deb same']);
  await writeFile(join(people.directory, 'a.deb'), 'another');
  const bad = ['root', 'sign', FILE, '--noop', '--binary', people.directory];
  assert.equal(await codeOf(people, bad), 'RELEASE_INVALID');
});
