import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../../../packaging/build.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/*
 * The scripts of the packages with stand-ins for launchctl and pkgutil, which only a Mac has. Paths
 * are below a folder.
 */

const PROGRAMS = {
  // A job is loaded while the file exists. It ends at the first question, as if that took time.
  launchctl: `echo "launchctl $*" >>ROOT/calls
case $1 in
bootout) [ -e ROOT/loaded ] && mv ROOT/loaded ROOT/ending ;;
print) [ -e ROOT/ending ] && rm ROOT/ending ;;
bootstrap) [ ! -e ROOT/disabled ] && [ ! -e ROOT/loaded ] && [ ! -e ROOT/ending ] && touch ROOT/loaded ;;
esac`,
  pkgutil: 'echo "pkgutil $*" >>ROOT/calls',
  // A cycle is under way while the file exists.
  pkill: 'echo "pkill $*" >>ROOT/calls; [ -e ROOT/cycle ] && mv ROOT/cycle ROOT/reported',
  id: 'echo 0',
  sleep: '',
};

async function mac(t: TestContext) {
  const root = await temporaryDirectory(t);
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
    await chmod(join(root, path), 0o755);
  };
  for (const [name, text] of Object.entries(PROGRAMS)) {
    await write(`bin/${name}`, `#!/bin/sh\n${text.replaceAll('ROOT', root)}\n`);
  }
  return {
    root,
    write,
    async run(script: string, ...words: string[]) {
      const text = (await readFile(join(ROOT, 'packaging/macos', script), 'utf8')).replaceAll(
        /(?<=[\s'"])\/(?=usr|etc|var|Library)/g,
        `${root}/`,
      );
      await write('script', `set -eu\n${text}`);
      const env = { PATH: `${root}/bin:/usr/bin:/bin` };
      return await promisify(execFile)('sh', [join(root, 'script'), ...words], { env });
    },
    async calls() {
      const text = await readFile(join(root, 'calls'), 'utf8').catch(() => '');
      return text.replaceAll(root, '').trimEnd().split('\n');
    },
  };
}

const JOB = 'system/com.github.miyamoto.agent';
const PLIST = '/Library/LaunchDaemons/com.github.miyamoto.agent.plist';
const INSTALL = ['x.pkg', '/', '/', '/'];

test('macOS postinstall: the job is loaded; at an upgrade the old one has ended before', async (t) => {
  const { run, calls, root } = await mac(t);
  await run('postinstall-agent', ...INSTALL);
  assert.ok((await readdir(root)).includes('loaded'));
  await run('postinstall-agent', ...INSTALL);
  assert.ok((await readdir(root)).includes('loaded'));
  const load = [`launchctl bootout ${JOB}`, `launchctl print ${JOB}`];
  const start = `launchctl bootstrap system ${PLIST}`;
  assert.deepEqual(await calls(), [...load, start, ...load, load[1], start]);
});

test('macOS postinstall: a job that is disabled stays disabled, and the package is installed', async (t) => {
  const { run, write } = await mac(t);
  await write('disabled', '');
  const { stderr } = await run('postinstall-agent', ...INSTALL);
  assert.match(stderr, /launchctl disable/);
});

test('macOS postinstall: on another disk no job of this Mac is touched', async (t) => {
  const { run, calls } = await mac(t);
  await run('postinstall-agent', 'x.pkg', '/', '/Volumes/other', '/');
  assert.deepEqual(await calls(), ['']);
});

test('macOS uninstall: nothing of the agent stays', async (t) => {
  const { run, write, calls, root } = await mac(t);
  for (const path of [
    PLIST,
    ...[
      '/usr/local/miyamoto/node',
      '/usr/local/miyamoto/site/agent.yaml',
      '/etc/miyamoto/root.json',
    ],
    ...[
      '/etc/newsyslog.d/miyamoto.conf',
      '/etc/paths.d/miyamoto',
      '/var/log/miyamoto/mm-agent.log',
    ],
    ...[
      '/var/run/miyamoto/lock',
      '/Library/Application Support/Miyamoto/state.json',
      'loaded',
      'cycle',
    ],
  ]) {
    await write(path, '');
  }
  await run('uninstall-agent');
  const left = await readdir(root, { recursive: true, withFileTypes: true });
  const files = left.filter(
    (entry) => entry.isFile() && !/^(calls|script|reported)$/.test(entry.name),
  );
  assert.deepEqual(files.map(({ name }) => name).sort(), Object.keys(PROGRAMS).sort());
  assert.deepEqual((await calls()).slice(-4), [
    'pkill -TERM -f ^/usr/local/miyamoto/node .*/mm-agent\\.mjs',
    'pkill -TERM -f ^/usr/local/miyamoto/node .*/mm-agent\\.mjs',
    'pkgutil --forget com.github.miyamoto.agent',
    'pkgutil --forget com.github.miyamoto.site',
  ]);
});

test('macOS uninstall: mm goes without what its users have', async (t) => {
  const { run, write, root } = await mac(t);
  await write('/usr/local/miyamoto-operator/mm.mjs', '');
  await write('/etc/paths.d/miyamoto-operator', '');
  await run('uninstall-operator');
  assert.deepEqual(await readdir(join(root, 'usr/local')), []);
  assert.deepEqual(await readdir(join(root, 'etc/paths.d')), []);
});
