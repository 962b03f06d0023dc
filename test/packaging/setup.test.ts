import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  chmod,
  copyFile,
  mkdir,
  readFile,
  readlink,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ROOT } from '../../packaging/build.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

/** All programs that the script can find on the search path: no apt-get, no sudo, no puppet. */
const TOOLS = 'sh dirname uname cksum cat date id mkdir mktemp rm ln tail chmod grep'.split(' ');
/**
 * A stand-in for npm: notes how it was called, and makes what "npm ci" of a version before 11.6
 * makes: the package of this platform's Node without its link. "test/setup" runs the real ones.
 */
const NPM = `#!/bin/sh
case $1 in
--version) cat npm-version; exit ;;
config) cat npm-cache; exit ;;
esac
echo "$*" >>npm-calls
if [ -e npm-fails ]; then cat npm-fails >&2; exit 1; fi
rm -rf node_modules
mkdir -p node_modules/node-cron node_modules/node-alien/bin node_modules/node-ours/bin
echo "$*" >node_modules/.package-lock.json
printf '#!/nowhere\\n' >node_modules/node-alien/bin/node
chmod 755 node_modules/node-alien/bin/node
[ ! -e alien-only ] || exit 0
ln -s ${process.execPath} node_modules/node-ours/bin/node
`;
const CI =
  'ci --ignore-scripts --no-fund --no-audit --loglevel=error --include=dev --include=optional --bin-links --no-engine-strict';

interface Checkout {
  readonly directory: string;
  setup(...parts: string[]): { readonly status: number | null; readonly stderr: string };
  write(path: string, text: string): Promise<void>;
  npmCalls(): Promise<string[]>;
}

async function checkout(t: TestContext): Promise<Checkout> {
  const temporary = await temporaryDirectory(t);
  const directory = join(temporary, "a newcomer's checkout");
  const bin = join(temporary, 'bin');
  for (const path of [bin, join(directory, 'test/support')]) await mkdir(path, { recursive: true });
  for (const tool of TOOLS) {
    const found = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' });
    await symlink(found.stdout.trim(), join(bin, tool));
  }
  await writeFile(join(bin, 'npm'), NPM);
  await chmod(join(bin, 'npm'), 0o755);
  const script = join(directory, 'test/support/setup.sh');
  await copyFile(join(ROOT, 'test/support/setup.sh'), script);
  const write = (path: string, text: string) => writeFile(join(directory, path), text);
  await write('package-lock.json', '{}');
  await write('npm-version', '9.2.0\n');
  await write('npm-cache', join(temporary, 'cache'));
  return {
    directory,
    setup: (...parts) =>
      spawnSync(join(bin, 'sh'), [script, ...parts], {
        env: { PATH: bin, TMPDIR: temporary },
        encoding: 'utf8',
      }),
    write,
    npmCalls: async () => {
      const calls = await readFile(join(directory, 'npm-calls'), 'utf8').catch(() => '');
      return calls.split('\n').filter((call) => call !== '');
    },
  };
}

test('setup: installs once, and again when the lockfile or what npm installed has changed', async (t) => {
  const { setup, write, npmCalls } = await checkout(t);
  assert.equal(setup().status, 0);
  assert.deepEqual(await npmCalls(), [CI]);
  assert.deepEqual([setup().status, setup().stderr, await npmCalls()], [0, '', [CI]]);
  for (const path of ['package-lock.json', 'node_modules/.package-lock.json']) {
    await write(path, '{ }');
    const { length } = await npmCalls();
    assert.equal(setup().status, 0);
    assert.deepEqual((await npmCalls()).slice(length), [CI], path);
  }
});

test('setup: links the pinned Node that starts on this machine, and links it again when the link is gone', async (t) => {
  const { setup, directory, npmCalls } = await checkout(t);
  const link = join(directory, 'node_modules/.bin/node');
  for (const _ of [1, 2]) {
    assert.equal(setup().status, 0);
    assert.equal(await readlink(link), '../node-ours/bin/node');
    assert.equal(
      spawnSync(link, ['--version'], { encoding: 'utf8' }).stdout.trim(),
      process.version,
    );
    await unlink(link);
  }
  assert.deepEqual(await npmCalls(), [CI]);
});

test('setup: an installation without a Node that starts on this machine is a failure', async (t) => {
  const { setup, write, npmCalls } = await checkout(t);
  await write('alien-only', '');
  for (const calls of [1, 2]) {
    const { status, stderr } = setup();
    assert.equal(status, 1);
    assert.match(
      stderr,
      /npm 9\.2\.0 brought no Node that starts on .*:\n.*node-alien\/bin\/node/s,
    );
    assert.equal((await npmCalls()).length, calls);
  }
});

test('setup: an npm that fails is quoted, and runs again the next time', async (t) => {
  const { setup, write, npmCalls } = await checkout(t);
  await write('npm-fails', 'npm ERR! code ECONNREFUSED\nnpm ERR! no registry answers\n');
  for (const calls of [1, 2]) {
    const { status, stderr } = setup();
    assert.equal(status, 1);
    assert.match(
      stderr,
      /npm 9\.2\.0 failed with exit status 1.*:\n.*ECONNREFUSED\n.*no registry answers$/m,
    );
    assert.doesNotMatch(stderr, /or newer/);
    assert.equal((await npmCalls()).length, calls);
  }
});

test('setup: reports an npm that is too old or missing', async (t) => {
  const { setup, write, npmCalls, directory } = await checkout(t);
  await write('npm-version', '6.14.18\n');
  const old = setup();
  assert.deepEqual(
    [old.status, old.stderr],
    [1, 'setup: this is npm 6.14.18, 7 or newer is needed\n'],
  );
  await unlink(join(directory, '../bin/npm'));
  const none = setup();
  assert.equal(none.status, 1);
  assert.match(none.stderr, /^setup: npm is missing/);
  assert.deepEqual(await npmCalls(), []);
});

test('setup: also installs when HOME is not writable', async (t) => {
  const { setup, write, npmCalls } = await checkout(t);
  await write('npm-cache', '/dev/null/cache');
  assert.equal(setup().status, 0);
  const [call = ''] = await npmCalls();
  const [arguments_, cache = ''] = call.split(' --cache=');
  assert.equal(arguments_, CI);
  assert.match(cache, /^\//);
  assert.equal(existsSync(cache), false, 'the temporary cache is removed');
});

test('setup: says at once in one line what is missing when it may not install', async (t) => {
  const { setup, npmCalls } = await checkout(t);
  const { status, stderr } = setup('puppet', 'git', 'ssh', 'ps', 'packages');
  assert.equal(status, 1);
  const packages =
    'puppet-agent | openvox-agent, facter | openfact, git, openssh-client, procps, binutils-x86-64-linux-gnu, binutils-aarch64-linux-gnu, rpm';
  assert.ok(stderr.includes(`'${packages}'\n`), stderr);
  assert.deepEqual(await npmCalls(), []);
});

test('setup: refuses an unknown part', async (t) => {
  const { status, stderr } = (await checkout(t)).setup('pupet');
  assert.equal(status, 2);
  assert.match(
    stderr,
    /pupet.*puppet, git, ssh, ps, archives, packages, control-repos, boxes, chromium or programs/,
  );
});
