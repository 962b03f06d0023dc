import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { packRelease } from '../../../operator/release/pack.ts';
import { readWorkTree } from '../../../operator/release/work-tree.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { git } from '../operator-lab.ts';

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

const pathsIn = async (directory: string) =>
  (await readWorkTree({ directory, env })).entries.map(({ path }) => path).sort();

test('work tree: tracked files as they lie there, new ones, none that is ignored or deleted', async (t) => {
  const directory = await workTree(t);
  await writeFile(join(directory, 'manifests/site.pp'), 'changed');
  await writeFile(join(directory, 'new'), '');
  await writeFile(join(directory, 'x.log'), '');
  await rm(join(directory, 'gone'));
  await symlink('new', join(directory, 'link'));
  assert.deepEqual(await pathsIn(directory), ['.gitignore', 'link', 'manifests/site.pp', 'new']);
  const { entries, commit, ref, committedAt } = await readWorkTree({ directory, env });
  assert.deepEqual([commit, ref, committedAt], [null, null, null]);
  const site = entries.find(({ path }) => path === 'manifests/site.pp');
  assert.equal(site?.kind === 'file' && site.content.toString(), 'changed');
});

test('work tree: a repository inside is taken with its own rules, an empty one is named', async (t) => {
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
  const { entries, emptySubmodules } = await readWorkTree({ directory, env });
  assert.deepEqual(emptySubmodules, ['modules/empty']);
  assert.deepEqual(
    entries.map(({ path }) => path).filter((path) => path.startsWith('modules/')),
    ['modules/inner/.gitignore', 'modules/inner/init.pp'],
  );
});

test('work tree: the time, the modes for others and the place do not count', async (t) => {
  const first = await workTree(t);
  const second = await workTree(t);
  await chmod(join(second, 'gone'), 0o600);
  const pack = async (directory: string) =>
    packRelease(await readWorkTree({ directory, env }), { environment: 'dev_a', version: '0.1.0' });
  assert.equal((await pack(first)).sha256, (await pack(second)).sha256);
});

test('work tree: what is neither file nor link is refused', async (t) => {
  const directory = await workTree(t);
  const path = join(directory, 'gone');
  await rm(path);
  execFileSync('mkfifo', [path]);
  await assert.rejects(
    readWorkTree({ directory, env }),
    (error) => error instanceof CodedError && error.code === 'ARCHIVE_UNSAFE',
  );
});
