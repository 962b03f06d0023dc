import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { ReleaseFile } from '../../../bucket/documents/release.ts';
import { packTar } from '../../../operator/release/pack.ts';
import type { SourceTree, TreeEntry } from '../../../operator/release/tree/tree.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { file, link, pack, sourceTree } from './fixture.ts';

const LABEL = { environment: 'stable', version: '1.2.3' };
const TREE = sourceTree(
  file('modules/a/files/run.sh', '#!/bin/sh\n', true),
  link('modules/b', 'a'),
  file(`modules/a/files/${'deep/'.repeat(70)}x`, 'long path'),
  file('modules/a/files/größe', 'not ASCII'),
);

const tarOf = (tree: SourceTree) => Buffer.concat([...packTar(tree, LABEL)]);

/** The digests of that tree on every machine. A change here makes a new release of every tree. */
const GOLDEN = {
  tar: 'c1af5025b4af111bc59ebbe4a1688da2cb280da0569f74cf2eab12dbe9d78f60',
  tarball: '8c1bc273d0fd1483660a675c957e0ec99eb70ff1568f16acde2f4af18874d5e5',
};

test('pack: a tree has the same bytes on every machine', async (t) => {
  const tar = createHash('sha256').update(tarOf(TREE)).digest('hex');
  const { sha256 } = await pack(t, TREE);
  assert.deepEqual({ tar, tarball: sha256 }, GOLDEN);
});

test('pack: the order of the entries has no effect', async (t) => {
  const turned = { ...TREE, entries: TREE.entries.toReversed() };
  assert.equal((await pack(t, turned)).sha256, (await pack(t, TREE)).sha256);
});

test('pack: the gzip header has no time and no operating system', async (t) => {
  const tarball = await pack(t, TREE);
  const { sha256 } = tarball;
  const bytes = await readFile(tarball.path);
  assert.deepEqual([...bytes.subarray(0, 10)], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
  assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256);
  assert.deepEqual(gunzipSync(bytes), tarOf(TREE));
  assert.equal(tarball.length, bytes.length);
});

test('pack: GNU tar unpacks it to the original tree', async (t) => {
  const directory = await temporaryDirectory(t);
  await copyFile((await pack(t, TREE)).path, join(directory, 'release.tar.gz'));
  execFileSync('tar', ['-xpzf', 'release.tar.gz'], { cwd: directory, stdio: 'pipe' });
  const at = (path: string) => join(directory, path);
  assert.equal(await readFile(at('manifests/site.pp'), 'utf8'), 'node default { }\n');
  assert.equal(await readFile(at(`modules/a/files/${'deep/'.repeat(70)}x`), 'utf8'), 'long path');
  assert.equal(await readFile(at('modules/a/files/größe'), 'utf8'), 'not ASCII');
  assert.equal(await readlink(at('modules/b')), 'a');
  const modes = [];
  for (const path of ['modules', 'modules/a/files/run.sh', 'hiera.yaml', 'release.json']) {
    const stat = await lstat(at(path)).catch(() => undefined);
    modes.push(stat === undefined ? undefined : (stat.mode & 0o7777).toString(8));
    if (stat !== undefined) assert.equal(stat.mtimeMs, Date.parse('2026-03-01T12:00:00Z'));
  }
  assert.deepEqual(modes, ['755', '755', undefined, '644']);
});

test('pack: entries have no owner, and extended headers only where needed', () => {
  const listing = execFileSync('tar', ['-tvf', '-', '--numeric-owner'], {
    input: tarOf(TREE),
    encoding: 'utf8',
  });
  for (const line of listing.trim().split('\n')) assert.match(line, /^\S+ 0\/0 /);
  const extended = (...more: TreeEntry[]) =>
    tarOf(sourceTree(...more))
      .toString('latin1')
      .split('PaxHeader/').length - 1;
  assert.equal(extended(), 0);
  assert.equal(extended(file(`${'deep/'.repeat(40)}x`)), 0);
  assert.equal(extended(file('größe')), 1);
  assert.equal(extended(link('x', 'y'.repeat(101))), 1);
});

test('pack: release.json and the file of r10k name the source', async (t) => {
  const directory = await temporaryDirectory(t);
  const tree = sourceTree(file('.r10k-deploy.json', 'of r10k'));
  execFileSync('tar', ['-x'], { cwd: directory, input: tarOf(tree) });
  const json = async (name: string) =>
    JSON.parse(await readFile(join(directory, name), 'utf8')) as Record<string, unknown>;
  const release = ReleaseFile.parse(await json('release.json'));
  assert.deepEqual(release, {
    environment: 'stable',
    version: '1.2.3',
    commit: tree.commit,
    ref: 'main',
    committedAt: '2026-03-01T12:00:00.000Z',
  });
  assert.equal((await json('.r10k-deploy.json'))['signature'], tree.commit);
});
