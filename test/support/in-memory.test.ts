import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { names, temporaryDirectory } from './temporary-directory.ts';

const SCRIPT = join(import.meta.dirname, 'in-memory.sh');
const SETUP = join(import.meta.dirname, 'global-setup.ts');

/** Runs words of a shell by the script. */
function inMemory(shell: string, env: Readonly<Record<string, string>> = {}) {
  const words = [SCRIPT, 'sh', '-c', shell, 'sh', 'two words', ''];
  return spawnSync('sh', words, { encoding: 'utf8', env: { PATH: process.env['PATH'], ...env } });
}

test('in memory: the arguments and the exit status of the command', () => {
  const { stdout, stderr, status } = inMemory('printf "[%s]" "$@"; exit 3');
  assert.deepEqual([stdout, stderr, status], ['[two words][]', '', 3]);
});

test('in memory: a directory of its own, or none: no other process sees its files', () => {
  const { stdout } = inMemory('echo "$TMPDIR"; [ -z "$TMPDIR" ] || : >"$TMPDIR/file"');
  const directory = stdout.trim();
  assert.ok(directory === '' || /^\/.*\/mm-\w{6}$/.test(directory), directory);
  assert.equal(directory !== '' && existsSync(directory), false);
});

test('in memory: a directory that the user has set is used', async (t) => {
  const directory = await temporaryDirectory(t);
  inMemory(': >"$TMPDIR/file"', { TMPDIR: directory });
  assert.deepEqual(await names(directory), ['file']);
});

/** The compile cache that a test file gets, and what is left when all have ended. */
async function compileCache(t: TestContext, env: Readonly<Record<string, string>>) {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'one.test.mjs');
  await writeFile(file, "console.log('<', process.env['NODE_COMPILE_CACHE'], '>');");
  const words = ['--test', `--test-global-setup=${SETUP}`, file];
  const { stdout } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], TMPDIR: directory, ...env },
  });
  const left = (await names(directory)).filter((name) => name !== 'one.test.mjs');
  return { directory, cache: /< (.*) >/.exec(stdout)?.[1] ?? '', left };
}

test('global set-up: test files share a compile cache, which ends with the run', async (t) => {
  const { directory, cache, left } = await compileCache(t, {});
  assert.ok(cache.startsWith(join(directory, 'mm-compile-cache-')), cache);
  assert.deepEqual(left, []);
});

test('global set-up: the compile cache of the user is used', async (t) => {
  const own = await temporaryDirectory(t);
  const { cache, left } = await compileCache(t, { NODE_COMPILE_CACHE: own });
  assert.deepEqual([cache, left], [own, []]);
});
