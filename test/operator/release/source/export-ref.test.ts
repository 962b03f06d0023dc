import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CodedError } from '../../../../shared/coded-error.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { git } from '../../operator-lab.ts';
import { check, pack, read } from '../fixture.ts';

const env = { PATH: process.env['PATH'] };

interface Repository {
  readonly directory: string;
  readonly commit: string;
}

async function repository(t: TestContext): Promise<Repository> {
  const directory = join(await temporaryDirectory(t), 'repo');
  await mkdir(join(directory, 'manifests'), { recursive: true });
  await git(directory, 'init', '--quiet', '--initial-branch=main');
  await writeFile(join(directory, 'manifests/site.pp'), 'node default { }\n');
  await writeFile(join(directory, 'run.sh'), '#!/bin/sh\n');
  await chmod(join(directory, 'run.sh'), 0o755);
  await symlink('manifests', join(directory, 'link'));
  await writeFile(join(directory, 'spec.rb'), 'not for hosts');
  await writeFile(join(directory, '.gitattributes'), 'spec.rb export-ignore\n');
  await git(directory, 'add', '--all');
  await git(directory, 'commit', '--quiet', '--message', 'first');
  return { directory, commit: await git(directory, 'rev-parse', 'HEAD') };
}

test('export: the commit of the branch, with modes and links, without export-ignore', async (t) => {
  const { directory, commit } = await repository(t);
  const { tree } = await read(t, { directory, env }, 'main');
  const shown = tree.entries.map((entry) =>
    entry.kind === 'link' ? [entry.path, entry.target] : [entry.path, entry.isExecutable],
  );
  assert.deepEqual(shown.sort(), [
    ['.gitattributes', false],
    ['link', 'manifests'],
    ['manifests/site.pp', false],
    ['run.sh', true],
  ]);
  assert.equal(tree.commit, commit);
  assert.equal(tree.ref, 'main');
  assert.deepEqual(tree.committedAt, new Date('2026-03-01T12:00:00Z'));
});

test('export: git is started six times', async (t) => {
  const { directory } = await repository(t);
  const programs = await temporaryDirectory(t);
  const log = join(programs, 'log');
  const real = execFileSync('/bin/sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  const counting = `#!/bin/sh\necho >>'${log}'\nexec '${real}' "$@"\n`;
  await writeFile(join(programs, 'git'), counting, { mode: 0o755 });
  await git(directory, 'rm', '--quiet', '.gitattributes');
  await git(directory, 'commit', '--quiet', '--message', 'no attributes');
  await read(t, { directory, env: { PATH: programs } }, 'main');
  assert.equal((await readFile(log, 'utf8')).length, 6);
});

test('export: work tree, index and current branch are neither read nor changed', async (t) => {
  const { directory, commit } = await repository(t);
  await git(directory, 'checkout', '--quiet', '-b', 'other');
  await writeFile(join(directory, 'manifests/site.pp'), 'changed, staged');
  await git(directory, 'add', 'manifests/site.pp');
  await writeFile(join(directory, 'manifests/site.pp'), 'changed, not staged');
  await writeFile(join(directory, 'new'), 'untracked');
  const look = async () => [
    await git(directory, 'status', '--porcelain=v2', '--branch'),
    await readFile(join(directory, '.git/index')),
    await readFile(join(directory, '.git/HEAD'), 'utf8'),
  ];
  const before = await look();
  const { tree } = await read(t, { directory, env }, 'main');
  assert.deepEqual(await look(), before);
  assert.equal(tree.commit, commit);
  const site = tree.entries.find(({ path }) => path === 'manifests/site.pp');
  assert.equal(site?.kind === 'file' && site.content.read().toString(), 'node default { }\n');
});

test('export: every clone, bare or not, gives the same tarball with any git settings of the user', async (t) => {
  const { directory } = await repository(t);
  const elsewhere = await temporaryDirectory(t);
  const clone = join(elsewhere, 'ein anderer Ort');
  const bare = join(elsewhere, 'bare.git');
  execFileSync('sh', ['-c', 'umask 077; git clone --quiet "$0" "$1"', directory, clone]);
  execFileSync('git', ['clone', '--quiet', '--bare', directory, bare]);
  await utimes(join(clone, 'manifests/site.pp'), 1, 1);
  await git(clone, 'config', 'core.autocrlf', 'true');
  await git(clone, 'config', 'tar.umask', 'user');
  const packed = async (place: string, more: NodeJS.ProcessEnv) => {
    const { tree } = await read(t, { directory: place, env: { ...env, ...more } }, 'main');
    return (await pack(t, tree)).sha256;
  };
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  const wanted = await packed(directory, {});
  assert.equal(await packed(clone, { LC_ALL: 'de_DE.UTF-8', TZ: 'Asia/Tokyo' }), wanted);
  // As in a hook: git sets these variables for the repository that receives the push.
  assert.equal(
    await packed(bare, { GIT_DIR: '/nonexistent', GIT_INDEX_FILE: '/nonexistent' }),
    wanted,
  );
});

test('export: a directory in a repository exports only its files', async (t) => {
  const { directory } = await repository(t);
  const { tree } = await read(t, { directory: join(directory, 'manifests'), env }, 'main');
  assert.deepEqual(
    tree.entries.map(({ path }) => path),
    ['site.pp'],
  );
});

test('export: a ref is looked up as a branch, a tag, a branch of origin, then a commit', async (t) => {
  const { directory, commit } = await repository(t);
  await git(directory, 'tag', 'release');
  await writeFile(join(directory, 'second'), '');
  await git(directory, 'checkout', '--quiet', '-b', 'release');
  await git(directory, 'add', '--all');
  await git(directory, 'commit', '--quiet', '--message', 'second');
  const second = await git(directory, 'rev-parse', 'HEAD');
  const clone = join(await temporaryDirectory(t), 'clone');
  execFileSync('git', ['clone', '--quiet', '--branch', 'main', directory, clone]);
  const commitOf = async (place: string, ref: string) =>
    (await read(t, { directory: place, env }, ref)).tree.commit;
  assert.equal(await commitOf(directory, 'release'), second);
  assert.equal(await commitOf(directory, 'refs/tags/release'), commit);
  await git(clone, 'tag', '--delete', 'release');
  assert.equal(await commitOf(clone, 'release'), second);
  assert.equal(await commitOf(directory, commit.slice(0, 12)), commit);
});

const PUSHED: Record<string, (commit: string) => string> = {
  'a tag with the name of a branch of origin': () => 'release',
  'a tag with the whole id of a commit': (commit) => commit,
  'a tag with the beginning of the id of a commit': (commit) => commit.slice(0, 12),
  'a branch of origin with the beginning of the id of a commit': (commit) => commit.slice(0, 12),
};

for (const [what, nameOf] of Object.entries(PUSHED)) {
  test(`row 15: ${what} does not stand for it`, async (t) => {
    const { directory, commit } = await repository(t);
    await git(directory, 'branch', 'release');
    const name = nameOf(commit);
    await git(directory, 'checkout', '--quiet', '-b', 'evil');
    await writeFile(join(directory, 'evil'), '');
    await git(directory, 'add', '--all');
    await git(directory, 'commit', '--quiet', '--message', 'evil');
    await git(directory, ...(what.startsWith('a tag') ? ['tag'] : ['branch']), name);
    const clone = join(await temporaryDirectory(t), 'clone');
    execFileSync('git', ['clone', '--quiet', '--branch', 'main', directory, clone]);
    const reading = read(t, { directory: clone, env }, name);
    if (name === commit) assert.equal((await reading).tree.commit, commit);
    else await assert.rejects(reading, { code: 'GIT_FAILED', message: /has two meanings/ });
    const clear = `refs/${what.startsWith('a tag') ? 'tags' : 'remotes/origin'}/${name}`;
    assert.notEqual((await read(t, { directory: clone, env }, clear)).tree.commit, commit);
  });
}

test('export: a submodule whose commit is missing is refused', async (t) => {
  const { directory, commit } = await repository(t);
  await git(directory, 'update-index', '--add', '--cacheinfo', `160000,${commit},modules/stdlib`);
  await git(directory, 'commit', '--quiet', '--message', 'submodule');
  const { tree } = await read(t, { directory, env }, 'main');
  assert.deepEqual(tree.emptySubmodules, ['modules/stdlib']);
  assert.throws(
    () => check(tree),
    (error) => error instanceof CodedError && error.code === 'ARCHIVE_UNSAFE',
  );
});

const failures = {
  'no such ref': { ref: 'nope', more: {} },
  'a ref that looks like an option': { ref: '--output=/tmp/x', more: {} },
  'a branch and a line end': { ref: 'main\n', more: {} },
  'a branch and a zero byte': { ref: 'main\0', more: {} },
  'no repository': { ref: 'main', more: { directory: '/nonexistent' } },
  'no git': { ref: 'main', more: { env: { PATH: '/nonexistent' } } },
};

for (const [name, { ref, more }] of Object.entries(failures)) {
  test(`export fails with GIT_FAILED: ${name}`, async (t) => {
    const { directory } = await repository(t);
    await assert.rejects(
      read(t, { directory, env, ...more }, ref),
      (error) => error instanceof CodedError && error.code === 'GIT_FAILED',
    );
  });
}
