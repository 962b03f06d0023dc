import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CodedError } from '../../../../shared/coded-error.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { git } from '../../operator-lab.ts';
import { pack, read } from '../fixture.ts';

const env = { PATH: process.env['PATH'] };

async function workTree(t: TestContext): Promise<string> {
  const directory = await temporaryDirectory(t);
  await git(directory, 'init', '--quiet');
  await mkdir(join(directory, 'manifests'));
  await writeFile(join(directory, 'manifests/site.pp'), 'committed');
  await writeFile(join(directory, 'gone'), '');
  await writeFile(join(directory, '.gitignore'), '*.log\n');
  await git(directory, 'add', '--all');
  await git(directory, 'commit', '--quiet', '--message', 'first');
  return directory;
}

const readHere = async (t: TestContext, directory: string) =>
  (await read(t, { directory, env }, undefined)).tree;
const pathsIn = async (t: TestContext, directory: string) =>
  (await readHere(t, directory)).entries.map(({ path }) => path).sort();

test('work tree: has tracked files in their current state and new files, without ignored and deleted ones', async (t) => {
  const directory = await workTree(t);
  await writeFile(join(directory, 'manifests/site.pp'), 'changed');
  await writeFile(join(directory, 'new'), '');
  await writeFile(join(directory, 'x.log'), '');
  await rm(join(directory, 'gone'));
  await symlink('new', join(directory, 'link'));
  assert.deepEqual(await pathsIn(t, directory), ['.gitignore', 'link', 'manifests/site.pp', 'new']);
  const { entries, commit, ref, committedAt } = await readHere(t, directory);
  assert.deepEqual([commit, ref, committedAt], [null, null, null]);
  const site = entries.find(({ path }) => path === 'manifests/site.pp');
  assert.equal(site?.kind === 'file' && site.content.read().toString(), 'changed');
});

test('work tree: a git that waits forever, here for a FIFO, is ended', async (t) => {
  const directory = await workTree(t);
  execFileSync('mkfifo', [join(directory, 'manifests/.gitignore')]);
  await assert.rejects(read(t, { directory, env, silenceMs: 500 }, undefined), {
    code: 'GIT_FAILED',
    next: /FIFO/,
  });
});

test('work tree: a repository inside is read with its own .gitignore, an empty one is named', async (t) => {
  const directory = await workTree(t);
  const inner = join(directory, 'modules/inner');
  await mkdir(inner, { recursive: true });
  await git(inner, 'init', '--quiet');
  await writeFile(join(inner, 'init.pp'), '');
  await writeFile(join(inner, '.gitignore'), 'secret\n');
  await writeFile(join(inner, 'secret'), '');
  const commit = await git(directory, 'rev-parse', 'HEAD');
  await git(directory, 'update-index', '--add', '--cacheinfo', `160000,${commit},modules/empty`);
  await mkdir(join(directory, 'modules/empty'));
  const { entries, emptySubmodules } = await readHere(t, directory);
  assert.deepEqual(emptySubmodules, ['modules/empty']);
  assert.deepEqual(
    entries.map(({ path }) => path).filter((path) => path.startsWith('modules/')),
    ['modules/inner/.gitignore', 'modules/inner/init.pp'],
  );
});

test('work tree: times, modes for group and others, and the path of the repository have no effect', async (t) => {
  const first = await workTree(t);
  const second = await workTree(t);
  await chmod(join(second, 'gone'), 0o600);
  const packed = async (directory: string) => (await pack(t, await readHere(t, directory))).sha256;
  assert.equal(await packed(first), await packed(second));
});

test('work tree: an entry that is neither a file nor a link is refused', async (t) => {
  const directory = await workTree(t);
  const path = join(directory, 'gone');
  await rm(path);
  execFileSync('mkfifo', [path]);
  await assert.rejects(
    readHere(t, directory),
    (error) => error instanceof CodedError && error.code === 'ARCHIVE_UNSAFE',
  );
});

test('work tree: a name that is not UTF-8 is refused by its path, and not left out', async (t) => {
  const directory = await workTree(t);
  const index = `printf '100644 %s\\t%b\\n' "$(git hash-object -w gone)" 'a/caf\\0351' | git update-index --index-info`;
  execFileSync('sh', ['-c', index], { cwd: directory });
  const names = ['a/caf\ufffd'];
  // A Mac has no such files.
  if (process.platform === 'linux') {
    const repository = join(directory, 'modules/m');
    await git(directory, 'init', '--quiet', repository);
    await mkdir(Buffer.concat([Buffer.from(`${repository}/d`), Buffer.from([0xe9])]));
    names.push('modules/m/d\ufffd');
  }
  const { withheld } = await readHere(t, directory);
  assert.deepEqual(
    withheld.map(({ path, why }) => [path, /not UTF-8/.test(why)]).sort(),
    names.map((name) => [name, true]),
  );
});
