import assert from 'node:assert/strict';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { checkedConfig } from '../../../agent/config/checked-config.ts';
import { loadConfig } from '../../../agent/config/load-config.ts';
import { type HostPaths, hostPaths } from '../../../agent/paths.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const LEAST = 'bucket: fleet.example.com\ntree: ubuntu\n';

async function host(t: TestContext): Promise<HostPaths> {
  const paths = hostPaths({ platform: 'linux', root: await temporaryDirectory(t) });
  await mkdir(paths.configDirectory, { recursive: true });
  await mkdir(paths.state, { recursive: true });
  await writeFile(paths.configFile, LEAST);
  return paths;
}

/** The cached configuration with one changed value and the old checksum. */
async function tamper(paths: HostPaths): Promise<void> {
  const kept = await readFile(paths.checkedConfig, 'utf8');
  assert.ok(kept.includes('"tree":"ubuntu"'));
  await writeFile(paths.checkedConfig, kept.replace('"tree":"ubuntu"', '"tree":"osx"'));
}

test('checked config: the second read gives the same as the first', async (t) => {
  const paths = await host(t);
  const { config } = loadConfig(paths);
  assert.deepEqual(await checkedConfig(paths, 'one'), config);
  assert.equal((await stat(paths.checkedConfig)).mode & 0o777, 0o600);
  assert.deepEqual(await checkedConfig(paths, 'one'), config);
});

test('checked config: it is read from the cache, which is then not written again', async (t) => {
  const paths = await host(t);
  await checkedConfig(paths, 'one');
  const { ino } = await stat(paths.checkedConfig);
  assert.equal((await checkedConfig(paths, 'one')).tree, 'ubuntu');
  assert.equal((await stat(paths.checkedConfig)).ino, ino);
});

const changes: Readonly<Record<string, (paths: HostPaths) => Promise<void>>> = {
  'another text': (paths) => writeFile(paths.configFile, `${LEAST}environment: canary\n`),
  'a file more': (paths) => writeFile(`${paths.configDirectory}/a.yaml`, 'environment: canary\n'),
};
for (const [name, change] of Object.entries(changes)) {
  test(`checked config: ${name} is noticed`, async (t) => {
    const paths = await host(t);
    await checkedConfig(paths, 'one');
    await change(paths);
    assert.equal((await checkedConfig(paths, 'one')).environment, 'canary');
  });
}

const damages: Readonly<Record<string, (paths: HostPaths) => Promise<void>>> = {
  edited: tamper,
  truncated: async ({ checkedConfig: path }) =>
    writeFile(path, (await readFile(path, 'utf8')).slice(0, -20)),
  empty: ({ checkedConfig: path }) => writeFile(path, ''),
  'something else': ({ checkedConfig: path }) => writeFile(path, '[]'),
};
for (const [name, damage] of Object.entries(damages)) {
  test(`checked config: a cache that was ${name} is ignored`, async (t) => {
    const paths = await host(t);
    const config = await checkedConfig(paths, 'one');
    await damage(paths);
    assert.deepEqual(await checkedConfig(paths, 'one'), config);
  });
}

test('checked config: another version of the program ignores the cache', async (t) => {
  const paths = await host(t);
  await checkedConfig(paths, 'one');
  const { ino } = await stat(paths.checkedConfig);
  await checkedConfig(paths, 'two');
  assert.notEqual((await stat(paths.checkedConfig)).ino, ino);
});

test('checked config: without a stamp nothing is cached', async (t) => {
  const paths = await host(t);
  await checkedConfig(paths, undefined);
  await assert.rejects(stat(paths.checkedConfig), { code: 'ENOENT' });
});

test('checked config: an unwritable cache is not an error', async (t) => {
  const paths = { ...(await host(t)), checkedConfig: '/proc/none/checked-config.json' };
  assert.equal((await checkedConfig(paths, 'one')).tree, 'ubuntu');
});
