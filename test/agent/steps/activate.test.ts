import assert from 'node:assert/strict';
import { mkdir, readFile, readlink, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type HostPaths, hostPaths, releasePaths } from '../../../agent/paths.ts';
import { activate, activeRelease, activeReleases } from '../../../agent/steps/activate.ts';
import { names, temporaryDirectory } from '../../support/temporary-directory.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

async function hostWithReleases(t: TestContext): Promise<HostPaths> {
  const paths = hostPaths({ platform: 'linux', root: await temporaryDirectory(t) });
  for (const sha256 of [A, B]) {
    const { tree } = releasePaths(paths, sha256);
    await mkdir(tree, { recursive: true });
    await writeFile(join(tree, 'site.pp'), sha256);
  }
  return paths;
}

test('activate: the environment links to the release', async (t) => {
  const paths = await hostWithReleases(t);
  assert.equal(activeRelease(paths, 'stable'), undefined);
  activate(paths, { environment: 'stable', sha256: A });
  assert.equal(activeRelease(paths, 'stable'), A);
  assert.equal(await readlink(join(paths.environments, 'stable')), `../releases/${A}/tree`);
  assert.equal(await readFile(join(paths.environments, 'stable/site.pp'), 'utf8'), A);
});

test('activate: a run keeps its release when another one is activated', async (t) => {
  const paths = await hostWithReleases(t);
  const first = activate(paths, { environment: 'stable', sha256: A });
  const second = activate(paths, { environment: 'stable', sha256: B });
  assert.equal(await readFile(join(first.environmentPath, 'stable/site.pp'), 'utf8'), A);
  assert.equal(await readFile(join(second.environmentPath, 'stable/site.pp'), 'utf8'), B);
  const tree = await realpath(releasePaths(paths, B).tree);
  assert.equal(await realpath(join(second.environmentPath, 'stable')), tree);
});

test('activate: a second activation changes nothing', async (t) => {
  const paths = await hostWithReleases(t);
  activate(paths, { environment: 'stable', sha256: A });
  activate(paths, { environment: 'stable', sha256: A });
  assert.deepEqual(await names(paths.environments), ['stable']);
  assert.deepEqual(await names(releasePaths(paths, A).directory), ['environments', 'tree']);
});

test('activate: environments are independent, and may share a release', async (t) => {
  const paths = await hostWithReleases(t);
  activate(paths, { environment: 'stable', sha256: A });
  activate(paths, { environment: 'testing', sha256: B });
  activate(paths, { environment: 'next', sha256: A });
  assert.equal(activeRelease(paths, 'stable'), A);
  assert.equal(activeRelease(paths, 'testing'), B);
  assert.deepEqual(activeReleases(paths), new Set([A, B]));
});

const leftOver = {
  'a link to nothing': (link: string) => symlink('../releases/gone', link),
  'a link to the other release': (link: string) => symlink(`../releases/${A}/tree`, link),
  'a file': (link: string) => writeFile(link, ''),
};

for (const [name, leave] of Object.entries(leftOver)) {
  test(`activate: ${name} left by a crash does no harm`, async (t) => {
    const paths = await hostWithReleases(t);
    await mkdir(paths.environments);
    await mkdir(releasePaths(paths, B).environments);
    await leave(join(paths.environments, 'stable.next'));
    await leave(join(releasePaths(paths, B).environments, 'stable.next'));
    activate(paths, { environment: 'stable', sha256: B });
    assert.equal(activeRelease(paths, 'stable'), B);
    assert.deepEqual(await names(paths.environments), ['stable']);
    assert.deepEqual(await names(releasePaths(paths, B).environments), ['stable']);
  });
}

const notActive = {
  'a link to a release that is gone': async (paths: HostPaths) => {
    activate(paths, { environment: 'stable', sha256: A });
    await rm(releasePaths(paths, A).directory, { recursive: true });
  },
  'a link to a half-unpacked release': async (paths: HostPaths) => {
    await mkdir(paths.environments);
    await mkdir(join(paths.releases, `${A}.partial`, 'tree'), { recursive: true });
    await symlink(`../releases/${A}.partial/tree`, join(paths.environments, 'stable'));
  },
  'a link to somewhere else': async (paths: HostPaths) => {
    await mkdir(paths.environments);
    await symlink('/etc', join(paths.environments, 'stable'));
  },
} satisfies Record<string, (paths: HostPaths) => Promise<void>>;

for (const [name, prepare] of Object.entries(notActive)) {
  test(`active release: ${name} is not one`, async (t) => {
    const paths = await hostWithReleases(t);
    await prepare(paths);
    assert.equal(activeRelease(paths, 'stable'), undefined);
    assert.deepEqual(activeReleases(paths), new Set());
    activate(paths, { environment: 'stable', sha256: B });
    assert.equal(activeRelease(paths, 'stable'), B);
  });
}
