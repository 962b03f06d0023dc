import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ROOT } from '../../packaging/build.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** All that the script may find on the search path; no apt-get, no sudo, no puppet. */
const TOOLS = ['sh', 'dirname', 'uname', 'cksum', 'cat', 'date', 'id', 'mkdir', 'rm', 'ln'];
/** A stand-in for npm: notes how it was called, and makes what "npm ci" makes. */
const NPM = `#!/bin/sh
echo "$*" >>npm-calls
[ "$1" = ci ] || exit 0
[ ! -e npm-fails ] || exit 1
rm -rf node_modules
mkdir -p node_modules/.bin
ln -s ${process.execPath} node_modules/.bin/node
`;

interface Checkout {
  setup(...parts: string[]): { readonly status: number | null; readonly stderr: string };
  write(path: string, text: string): Promise<void>;
  npmCalls(): Promise<string>;
}

async function checkout(t: TestContext): Promise<Checkout> {
  const directory = await temporaryDirectory(t);
  const bin = join(directory, 'bin');
  await mkdir(bin);
  for (const tool of TOOLS) {
    const found = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' });
    await symlink(found.stdout.trim(), join(bin, tool));
  }
  await writeFile(join(bin, 'npm'), NPM);
  await chmod(join(bin, 'npm'), 0o755);
  await mkdir(join(directory, 'test/support'), { recursive: true });
  const script = join(directory, 'test/support/setup.sh');
  await copyFile(join(ROOT, 'test/support/setup.sh'), script);
  await writeFile(join(directory, 'package-lock.json'), '{}');
  return {
    setup: (...parts) =>
      spawnSync(join(bin, 'sh'), [script, ...parts], { env: { PATH: bin }, encoding: 'utf8' }),
    write: (path, text) => writeFile(join(directory, path), text),
    npmCalls: () => readFile(join(directory, 'npm-calls'), 'utf8').catch(() => ''),
  };
}

test('setup: installs once, and again when the lockfile has changed', async (t) => {
  const { setup, write, npmCalls } = await checkout(t);
  const once = 'ci --ignore-scripts --no-fund --no-audit --loglevel=error\n';
  assert.equal(setup().status, 0);
  assert.equal(await npmCalls(), once);
  assert.deepEqual([setup().status, setup().stderr, await npmCalls()], [0, '', once]);
  await write('package-lock.json', '{ }');
  assert.equal(setup().status, 0);
  assert.equal(await npmCalls(), once + once);
});

test('setup: an installation that failed is not taken for one that is there', async (t) => {
  const { setup, write, npmCalls } = await checkout(t);
  await write('npm-fails', '');
  assert.equal(setup().status, 1);
  assert.equal(setup().status, 1);
  assert.equal((await npmCalls()).match(/^ci /gm)?.length, 2);
});

test('setup: says what it needs where it may not install', async (t) => {
  const { status, stderr } = (await checkout(t)).setup('boxes');
  assert.equal(status, 1);
  assert.match(stderr, /systemd-container debootstrap/);
});

test('setup: refuses a part that it does not know', async (t) => {
  const { status, stderr } = (await checkout(t)).setup('pupet');
  assert.equal(status, 2);
  assert.match(stderr, /pupet.*puppet, ssh or boxes/);
});
