import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { git } from '../../operator-lab.ts';
import { read } from '../fixture.ts';
import { env, repository } from './repositories.ts';

test('a ref that names no commit of this clone says what it names', async (t) => {
  const directory = await repository(t, { 'manifests/site.pp': '' });
  await git(directory, 'tag', 'tree', 'main^{tree}');
  await git(directory, 'branch', 'lost');
  const place = { directory, env };
  await assert.rejects(read(t, place, 'tree'), {
    code: 'GIT_FAILED',
    message: /^refs\/tags\/tree in .*, which is a tree, and no commit$/,
  });
  await assert.rejects(read(t, place, 'lots'), { message: /^no branch, tag or commit "lots"/ });
  await rm(join(directory, '.git/objects'), { recursive: true });
  await writeFile(join(directory, '.git/packed-refs'), '');
  await git(directory, 'init', '--quiet');
  await assert.rejects(read(t, place, 'lost'), { message: /^refs\/heads\/lost in .* lacks$/ });
});

test('a bare repository, and a directory that the commit lacks, say what to do', async (t) => {
  const directory = await repository(t, { 'a/manifests/site.pp': '' });
  const bare = join(directory, 'bare.git');
  await git(directory, 'clone', '--quiet', '--bare', '.', bare);
  await assert.rejects(read(t, { directory: bare, env }, undefined), {
    message: /bare\.git is a bare repository/,
  });
  const inside = { directory: join(directory, 'a'), env };
  await git(directory, 'checkout', '--quiet', '--orphan', 'empty');
  await git(directory, 'rm', '--quiet', '--cached', '-r', 'a');
  await git(directory, 'commit', '--quiet', '--allow-empty', '--message', 'empty');
  await assert.rejects(read(t, inside, 'empty'), { message: /^the commit has nothing in .*\/a$/ });
});
