import assert from 'node:assert/strict';
import { isAbsolute } from 'node:path';
import { test } from 'node:test';
import { hostPaths, releasePaths } from '../../agent/paths.ts';

const cases = {
  linux: {
    configFile: '/etc/miyamoto/agent.yaml',
    configDirectory: '/etc/miyamoto/agent.d',
    trustRoot: '/etc/miyamoto/root.json',
    state: '/var/lib/miyamoto',
    runtime: '/run/miyamoto',
  },
  darwin: {
    configFile: '/etc/miyamoto/agent.yaml',
    configDirectory: '/etc/miyamoto/agent.d',
    trustRoot: '/etc/miyamoto/root.json',
    state: '/Library/Application Support/Miyamoto',
    runtime: '/var/run/miyamoto',
  },
} as const;

for (const platform of ['linux', 'darwin'] as const) {
  test(`paths: ${platform}, the layout of the packages`, () => {
    const { configFile, configDirectory, trustRoot, state, runtime } = hostPaths({
      platform,
      root: '/',
    });
    assert.deepEqual({ configFile, configDirectory, trustRoot, state, runtime }, cases[platform]);
  });

  test(`paths: ${platform}, all paths are below the root and different`, () => {
    const all = Object.values(hostPaths({ platform, root: '/tmp/some where' })).flat();
    for (const path of all) assert.ok(path.startsWith('/tmp/some where/'), path);
    for (const path of all) assert.ok(isAbsolute(path), path);
    assert.equal(new Set(all).size, all.length);
  });

  test(`paths: ${platform}, a release is below the releases directory`, () => {
    const paths = hostPaths({ platform, root: '/r' });
    const release = releasePaths(paths, 'abc');
    assert.equal(release.directory, `${paths.releases}/abc`);
    assert.equal(release.tree, `${paths.releases}/abc/tree`);
    assert.equal(release.environments, `${paths.releases}/abc/environments`);
  });
}
