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

/** The kept configuration with one value changed and the old checksum. */
async function tamper(paths: HostPaths): Promise<void> {
  const kept = await readFile(paths.checkedConfig, 'utf8');
  assert.ok(kept.includes('"tree":"ubuntu"'));
  await writeFile(paths.checkedConfig, kept.replace('"tree":"ubuntu"', '"tree":"osx"'));
}

test('checked config: the second time it is what it was the first time', async (t) => {
  const paths = await host(t);
  const { config } = loadConfig(paths);
  assert.deepEqual(await checkedConfig(paths, 'one'), config);
  assert.equal((await stat(paths.checkedConfig)).mode & 0o777, 0o600);
  assert.deepEqual(await checkedConfig(paths, 'one'), config);
});

test('checked config: it is taken from what is kept, which is then not written again', async (t) => {
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
  test(`checked config: ${name} is seen`, async (t) => {
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
  test(`checked config: what is kept and was ${name} counts for nothing`, async (t) => {
    const paths = await host(t);
    const config = await checkedConfig(paths, 'one');
    await damage(paths);
    assert.deepEqual(await checkedConfig(paths, 'one'), config);
  });
}

test('checked config: other code checks for itself', async (t) => {
  const paths = await host(t);
  await checkedConfig(paths, 'one');
  const { ino } = await stat(paths.checkedConfig);
  await checkedConfig(paths, 'two');
  assert.notEqual((await stat(paths.checkedConfig)).ino, ino);
});

test('checked config: without a stamp nothing is kept', async (t) => {
  const paths = await host(t);
  await checkedConfig(paths, undefined);
  await assert.rejects(stat(paths.checkedConfig), { code: 'ENOENT' });
});

test('checked config: a place that cannot be written to is no error', async (t) => {
  const paths = { ...(await host(t)), checkedConfig: '/proc/none/checked-config.json' };
  assert.equal((await checkedConfig(paths, 'one')).tree, 'ubuntu');
});
