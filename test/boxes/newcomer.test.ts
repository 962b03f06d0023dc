import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { copyCheckoutTo } from '../support/copy-checkout.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bootBox } from './box.ts';
import { registrySettings } from './registry.ts';
import { suites } from './suites.ts';

/**
 * The commands of README, as a new contributor runs them, on a fresh Debian with its own Node and
 * npm: `git clone`, `npm run demo`, `npm test`. MM_TEST_SUITES names the suites. Each one takes
 * about ten minutes.
 */

interface Newcomer {
  readonly user: 'root' | 'ann';
  /** Where the checkout is. Others may not enter /root and /home/ann. */
  readonly place: string;
  /** The command in front that sets or unsets TERM. */
  readonly term: readonly string[];
}

const NEWCOMERS: Readonly<Record<string, Newcomer>> = {
  bookworm: { user: 'root', place: '/root', term: ['env', 'TERM=dumb'] },
  trixie: { user: 'ann', place: '/home/ann', term: ['env', '--unset=TERM'] },
  forky: { user: 'root', place: '/opt', term: ['env', '--unset=TERM'] },
};
const SUITES = suites('bookworm,trixie');
const PREREQUISITES = ['git', 'nodejs', 'npm', 'sudo'];
const run = promisify(execFile);

for (const suite of SUITES) {
  test(`newcomer: ${suite}`, async (t) => {
    const { user, place, term } = NEWCOMERS[suite] ?? assert.fail(`no newcomer for ${suite}`);
    const checkout = join(place, 'miyamoto');
    const template = { suite, packages: PREREQUISITES };
    await using box = await bootBox(`newcomer-${suite}-${process.pid}`, template);
    const settings = await registrySettings(box);
    /** Runs a command line in a directory and returns both output streams. */
    const type = (directory: string, command: string, as: string = user) => {
      const words = ['runuser', '-u', as, '--', ...term, `HOME=${homeOf(as)}`, ...settings];
      return box.exec(...words, 'sh', '-c', `exec 2>&1; cd ${directory}; ${command}`);
    };
    await box.sh(`for user in ann bob; do useradd --create-home --shell /bin/sh $user; done
      echo 'ann ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/ann
      install -d -m 700 -o ${user} ${place}`);

    await t.test('git clone', async () => {
      await box.push(await bundle(t), '/srv/miyamoto.bundle');
      await type(place, 'git clone --quiet /srv/miyamoto.bundle miyamoto');
    });

    /** The message for bob, who may enter the checkout only here. */
    const refused = async (command: string): Promise<string> => {
      await box.exec('chmod', '755', place);
      const { stdout } = await type(checkout, command, 'bob').then(assert.fail, (error) => error);
      await box.exec('chmod', '700', place);
      return stdout;
    };

    await t.test('a user who may not install gets the names of the missing packages', async () => {
      const missing = /bob may not install.*'puppet-agent.*, openssh-client, procps, .*'\n/s;
      assert.match(await refused('npm test'), missing);
    });

    await t.test('npm run demo', async () => {
      const output = await type(checkout, 'npm run demo');
      assert.match(output, /stable {7}0\.1\.1/);
      assert.match(output, /resources .*changed 1, failed 0/);
      assert.doesNotMatch(output, /\.mjs {2}\d+ kB/);
    });

    await t.test('a checkout of another user is refused with that reason', async () => {
      assert.match(await refused('npm run demo'), /bob cannot write in \S+\/miyamoto;/);
    });

    await t.test(`npm test as ${user} below ${place} with "${term.join(' ')}"`, async () => {
      const output = await type(checkout, 'npm test').catch(({ stdout }) => stdout as string);
      const end = output.slice(output.lastIndexOf('\nℹ tests '));
      assert.ok(/ℹ fail 0\nℹ cancelled 0\nℹ skipped 0\n/.test(end), end);
      t.diagnostic(`${suite}: npm test, ${/duration_ms \d+/.exec(end)?.[0]}`);
    });
  });
}

function homeOf(user: string): string {
  return user === 'root' ? '/root' : `/home/${user}`;
}

/** This checkout as a repository of one commit, work in progress included, in one file. */
async function bundle(t: TestContext): Promise<string> {
  const directory = await temporaryDirectory(t);
  const repository = join(directory, 'miyamoto');
  await copyCheckoutTo(repository);
  const git = (...argv: string[]) =>
    run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...argv], {
      cwd: repository,
    });
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '--all');
  await git('commit', '--quiet', '--message', 'A checkout');
  const file = join(directory, 'miyamoto.bundle');
  await git('bundle', 'create', '--quiet', file, 'HEAD', 'main');
  return file;
}
