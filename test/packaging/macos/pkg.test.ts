import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { hostPaths } from '../../../agent/paths.ts';
import { ROOT } from '../../../packaging/build.ts';
import { writePackage } from '../../../packaging/contents/plan.ts';
import { currentRelease } from '../../../packaging/contents/release.ts';
import { AGENT } from '../../../packaging/macos/agent.ts';
import { OPERATOR } from '../../../packaging/macos/operator.ts';
import { type MacParts, planPkg } from '../../../packaging/macos/pkg.ts';
import { parsePlist } from '../../support/plist.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/* With a small file instead of Node. test/boxes/pkg.test.ts makes the real packages. */

let parts: MacParts;
before(async () => {
  parts = {
    bundleDirectory: join(ROOT, 'dist'),
    architecture: 'arm64',
    runtime: { program: Buffer.from('node'), license: 'of Node', minimumSystem: '13.5' },
    release: await currentRelease(),
  };
});

for (const mac of [AGENT, OPERATOR]) {
  test(`pkg: two builds of ${mac.name} are the same, and an unchanged one is not written`, async (t) => {
    const [one, two] = [await temporaryDirectory(t), await temporaryDirectory(t)];
    const first = await writePackage(await planPkg(mac, parts), one);
    const second = await writePackage(await planPkg(mac, parts), two);
    assert.ok((await readFile(first.path)).equals(await readFile(second.path)));
    assert.equal((await writePackage(await planPkg(mac, parts), one)).unchanged, true);
    const other = { ...parts, runtime: { ...parts.runtime, minimumSystem: '14.0' } };
    assert.equal((await writePackage(await planPkg(mac, other), one)).unchanged, false);
  });
}

test('pkg: the agent has its own Node, what launchd and newsyslog read, and no configuration', async (t) => {
  const directory = await temporaryDirectory(t);
  const { path } = await writePackage(await planPkg(AGENT, parts), directory);
  assert.match(path, /\/miyamoto-agent-\d+\.\d+\.\d+-arm64\.pkg$/);
  execFileSync('7z', ['x', `-o${directory}`, path], { stdio: 'pipe' });
  const input = gunzipSync(await readFile(join(directory, 'agent.pkg/Payload')));
  const lines = String(execFileSync('cpio', ['-itv', '--quiet'], { input }))
    .trimEnd()
    .split('\n');
  const modes = new Map(
    lines.map((line) => [line.slice(line.lastIndexOf(' ') + 1), line.split(' ')[0]]),
  );
  const folder = './usr/local/miyamoto';
  for (const [mode, wanted] of [
    ['-rwxr-xr-x', [`${folder}/node`, `${folder}/mm-agent-daemon`, `${folder}/uninstall`]],
    ['-rwxr-xr-x', [`${folder}/bin/mm-agent`]],
    ['-rw-r--r--', [`${folder}/mm-agent.mjs`, `${folder}/share/man/man8/mm-agent.8`]],
    ['-rw-r--r--', ['./Library/LaunchDaemons/com.github.miyamoto.agent.plist']],
    ['-rw-r--r--', ['./private/etc/newsyslog.d/miyamoto.conf', './private/etc/paths.d/miyamoto']],
    ['drwxr-xr-x', ['./private/etc/miyamoto', './private/var/log/miyamoto']],
  ] as const) {
    for (const name of wanted) assert.equal(modes.get(name), mode, name);
  }
  // Nothing that an administrator changes is a file of the package: an upgrade keeps it.
  const inConfig = [...modes.keys()].filter((name) =>
    /\/(etc|log|Support)\/miyamoto\//i.test(name),
  );
  assert.deepEqual(inConfig, []);
  const partsOfProgram = (await readdir(join(ROOT, 'dist'))).filter((name) =>
    /^mm-agent-/.test(name),
  );
  for (const name of partsOfProgram)
    assert.equal(modes.get(`${folder}/${name}`), '-rw-r--r--', name);
});

test('pkg: after an upgrade, parts that only the older program had are gone', async (t) => {
  const directory = await temporaryDirectory(t);
  const { path } = await writePackage(await planPkg(AGENT, parts), directory);
  execFileSync('7z', ['x', `-o${directory}`, path], { stdio: 'pipe' });
  const input = gunzipSync(await readFile(join(directory, 'agent.pkg/Scripts')));
  execFileSync('cpio', ['-idm', '--quiet'], { input, cwd: directory });
  const disk = join(directory, 'disk');
  const folder = join(disk, AGENT.folder);
  await mkdir(folder, { recursive: true });
  for (const name of ['mm-agent-old.js', 'mm-agent-once.js', 'mm-agent-daemon', 'mm-agent.mjs']) {
    await writeFile(join(folder, name), '');
  }
  // On another disk than that of the running system, the script starts nothing.
  execFileSync(join(directory, 'postinstall'), [path, '/', disk, '/']);
  const left = (await readdir(folder)).toSorted();
  assert.deepEqual(left, ['mm-agent-daemon', 'mm-agent-once.js', 'mm-agent.mjs']);
});

test('pkg: the profiles are about this job and this Node', async () => {
  const read = (path: string) => readFile(join(ROOT, path), 'utf8');
  const profile = async (name: string) => {
    const path = `packaging/macos/examples/${name}.mobileconfig`;
    execFileSync('xmllint', ['--noout', '--nonet', join(ROOT, path)]);
    return JSON.stringify(parsePlist(await read(path)));
  };
  const plist = parsePlist(await read('launchd/com.github.miyamoto.agent.plist'));
  assert.ok(typeof plist === 'object' && !Array.isArray(plist));
  const background = await profile('background');
  assert.ok(background.includes(`"RuleType":"Label","RuleValue":"${String(plist['Label'])}"`));
  const access = await profile('full-disk-access');
  assert.ok(access.includes(`"Identifier":"/${AGENT.folder}/node","IdentifierType":"path"`));
  assert.match(access, /"CodeRequirement":"identifier node and .* = HX7739G8FX","Authorization"/);
  const uuids = [...(background + access).matchAll(/"PayloadUUID":"([0-9A-F-]{36})"/g)];
  assert.equal(new Set(uuids.map(([, uuid]) => uuid)).size, 4);
});

test('pkg: the uninstall script removes every place of the package and of the agent', async () => {
  const text = await readFile(join(ROOT, 'packaging/macos/uninstall-agent'), 'utf8');
  const { configFile, state, runtime } = hostPaths({ platform: 'darwin', root: '/' });
  const { files } = await planPkg(AGENT, parts);
  const places = [
    ...files.map(({ path }) => `/${path.replace(/^private\//, '')}`),
    ...AGENT.directories.map((path) => `/${path.replace(/^private\//, '')}`),
    ...[configFile, state, runtime],
  ];
  const label = /^label=(.*)$/m.exec(text)?.[1] ?? '';
  const removed = [...text.matchAll(/^ *rm -rf (.*)$/gm)]
    .flatMap(([, words = '']) => words.match(/'[^']*'|"[^"]*"|\S+/g) ?? [])
    .map((word) => word.replaceAll(/['"]/g, '').replace('$label', label));
  const left = places.filter(
    (place) => !removed.some((path) => place === path || place.startsWith(`${path}/`)),
  );
  assert.deepEqual(left, []);
});
