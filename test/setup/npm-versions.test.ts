import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { satisfies } from 'semver';
import { version } from '../../packaging/build.ts';
import { copyCheckoutTo } from '../support/copy-checkout.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const run = promisify(execFile);

/**
 * The real set-up in a copy of the checkout, with versions of npm that treat the pinned Node's
 * packages differently: the first before 9, Debian's of bookworm and trixie, the last without the
 * link, the newest. Needs the registry.
 */
const VERSIONS = ['8.19', '9.2', '10.9', '11.0', 'latest'];
/** Settings that a newcomer's npmrc or environment may have; the set-up needs the opposite. */
const AWKWARD = {
  NODE_ENV: 'production',
  npm_config_omit: 'optional',
  npm_config_bin_links: 'false',
  npm_config_engine_strict: 'true',
};

const CASES = [
  ...VERSIONS.map((version) => ({ version, name: version, settings: {} })),
  { version: '8.19', name: '8.19 and settings that leave things out', settings: AWKWARD },
];

test('npm install --global without scripts: a checkout that was never set up', async (t) => {
  const directory = await temporaryDirectory(t);
  const bin = await installNpm(directory, 'latest');
  const checkout = join(directory, 'a checkout');
  await copyCheckoutTo(checkout);
  const env = { ...process.env, PATH: `${bin}:/usr/bin:/bin`, npm_config_ignore_scripts: 'true' };
  const global = ['install', '--global', '.'];
  const copied = { bin, checkout, directory, env: { ...env, npm_config_install_links: 'true' } };
  await assert.rejects(assertGlobal([...global, '--no-audit'], copied), ({ stderr }) => {
    assert.match(stderr, /^mm: it was not built .*\nnext: npm run build, /);
    return true;
  });
  const prefix = join(directory, 'linked');
  const linked = { ...env, npm_config_prefix: prefix };
  await run(join(bin, 'npm'), global, { cwd: checkout, env: linked });
  const first = await run(join(prefix, 'bin/mm'), ['--version'], { cwd: '/', env });
  assert.equal(first.stdout, `${await version()}\n`);
  assert.match(first.stderr, /^setup: installing npm packages/);
  await assertGlobal(global, { bin, checkout, directory, env });
  await assertGlobal([...global, '--no-fund'], copied);
});

describe('set-up', { concurrency: 2 }, () => {
  for (const { version, name, settings } of CASES) {
    test(`set-up with npm ${name}`, async (t) => {
      const directory = await temporaryDirectory(t);
      const bin = await installNpm(directory, version);
      const checkout = join(directory, 'a checkout');
      await copyCheckoutTo(checkout);
      const env = { ...process.env, PATH: `${bin}:/usr/bin:/bin`, ...settings };
      const npm = (...argv: string[]) => run(join(bin, 'npm'), argv, { cwd: checkout, env });

      const { stdout } = await npm('run', 'build');
      assert.match(stdout, /dist\/mm-agent\.mjs {2}\d+ kB/);
      const tools = ['biome', 'esbuild', 'node', 'oxlint', 'tsc', 'tsgolint'];
      const found = await npm('exec', '--call', `command -v ${tools.join(' && command -v ')}`);
      const there = (tool: string) => join(checkout, 'node_modules/.bin', tool);
      assert.equal(found.stdout, `${tools.map(there).join('\n')}\n`);
      const node = await npm('exec', '--call', 'node --version');
      assert.equal(node.stdout.trim(), process.version);
      for (const argv of [['install', '--global', '.'], ['link']]) {
        await assertGlobal(argv, { bin, checkout, env, directory });
      }
      assert.equal((await npm('run', '--silent', 'setup')).stderr, '', 'nothing is left to do');
    });
  }
});

interface Place {
  /** The folder that contains npm. */
  readonly bin: string;
  readonly checkout: string;
  readonly env: NodeJS.ProcessEnv;
  /** For temporary files. */
  readonly directory: string;
}

/**
 * Runs npm with a global prefix of this user, and both programs where every other Node is broken.
 */
async function assertGlobal(argv: readonly string[], place: Place): Promise<void> {
  const { bin, checkout, directory } = place;
  const prefix = join(directory, argv.join(''));
  // A user who turned links of programs off must turn them on to get a command.
  const env = { ...place.env, npm_config_prefix: prefix, npm_config_bin_links: 'true' };
  await run(join(bin, 'npm'), argv, { cwd: checkout, env });
  const broken = join(directory, 'broken');
  await mkdir(broken, { recursive: true });
  await writeFile(join(broken, 'node'), '#!/bin/sh\necho the Node of the user >&2\nexit 99\n', {
    mode: 0o755,
  });
  const path = `${join(prefix, 'bin')}:${broken}:/usr/bin:/bin`;
  for (const program of ['mm', 'mm-agent']) {
    const { stdout } = await run('sh', ['-c', `${program} --version`], {
      cwd: '/',
      env: { PATH: path },
    });
    assert.equal(stdout, `${await version()}\n`, argv.join(' '));
  }
}

/** A folder with that npm and the Node that runs it, to be put in front of the search path. */
async function installNpm(directory: string, version: string): Promise<string> {
  const prefix = join(directory, 'npm');
  await run('npm', ['install', '--prefix', prefix, '--no-save', `npm@${version}`]);
  const home = join(prefix, 'node_modules/npm');
  const { engines } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as {
    engines: { node: string };
  };
  assert.ok(satisfies(process.version, engines.node), `npm ${version} needs Node ${engines.node}`);
  const bin = join(directory, 'bin');
  await mkdir(bin);
  await symlink(process.execPath, join(bin, 'node'));
  await symlink(join(home, 'bin/npm-cli.js'), join(bin, 'npm'));
  return bin;
}
