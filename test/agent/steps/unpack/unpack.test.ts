import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, lstat, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { create } from 'tar';
import { hostPaths, releasePaths } from '../../../../agent/paths.ts';
import { isUnpacked, unpack } from '../../../../agent/steps/unpack/unpack.ts';
import { sha256Of, verifiedTarball } from '../../../support/memory-blobs.ts';
import { exampleFile, exampleRelease, noise } from '../../../support/release-example.ts';
import {
  gnuLongEntry,
  paxEntry,
  type TarEntry,
  tarArchive,
  tarGz,
} from '../../../support/tar-writer.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';

const run = promisify(execFile);
const limits = { maxBytes: 100e6, maxFiles: 10_000 };
const { signal } = new AbortController();

async function unpackInto(root: string, bytes: Buffer): Promise<string> {
  const paths = hostPaths({ platform: 'linux', root });
  const { directory, tree } = releasePaths(paths, sha256Of(bytes));
  await unpack(await verifiedTarball(bytes, paths.blobs), directory, {
    limits,
    links: 'refuse',
    signal,
  });
  assert.deepEqual(await names(directory), ['tree']);
  assert.deepEqual(await names(dirname(directory)), [sha256Of(bytes)]);
  return tree;
}

const longName = `${'long/'.repeat(40)}${'n'.repeat(200)}`;

const wellFormed: Record<string, { entries: (TarEntry | Buffer)[]; want: Record<string, string> }> =
  {
    'a file': { entries: [{ path: 'a.pp', content: 'x' }], want: { 'a.pp': '644 x' } },
    'an empty file': { entries: [{ path: 'a.pp' }], want: { 'a.pp': '644 ' } },
    'an executable': {
      entries: [{ path: 'a.sh', mode: 0o755, content: 'x' }],
      want: { 'a.sh': '755 x' },
    },
    'modes that are too wide or too narrow': {
      entries: [
        { path: 'a', mode: 0o666, content: 'x' },
        { path: 'b', mode: 0, content: 'y' },
        { path: 'c', mode: 0o700, content: 'z' },
      ],
      want: { a: '644 x', b: '644 y', c: '755 z' },
    },
    'directories, given or only implied': {
      entries: [
        { path: 'a/', type: '5', mode: 0o700 },
        { path: 'a/b/c.pp', content: 'x' },
        { path: 'a/b/', type: '5', mode: 0o777 },
        { path: 'd', type: '5' },
      ],
      want: { 'a/b/c.pp': '644 x', a: '755 directory', 'a/b': '755 directory', d: '755 directory' },
    },
    'the "./" of tar': {
      entries: [
        { path: './', type: '5' },
        { path: './a.pp', content: 'x' },
      ],
      want: { 'a.pp': '644 x' },
    },
    'links that stay inside': {
      entries: [
        { path: 'm/a', content: 'x' },
        { path: 'm/b/c', type: '2', linkpath: '../a' },
        { path: 'd', type: '2', linkpath: './m/a' },
        { path: 'm/up', type: '2', linkpath: '..' },
      ],
      want: { 'm/b/c': '-> ../a', d: '-> ./m/a', 'm/up': '-> ..' },
    },
    'a name beyond ASCII': {
      entries: [{ path: 'größe.pp', content: 'x' }],
      want: { 'größe.pp': '644 x' },
    },
    "ustar's prefix": {
      entries: [{ path: 'a.pp', prefix: 'one/two', content: 'x' }],
      want: { 'one/two/a.pp': '644 x' },
    },
    "pax's long path": {
      entries: [paxEntry({ path: longName }), { path: 'cut', content: 'x' }],
      want: { [longName]: '644 x' },
    },
    "GNU's long path": {
      entries: [gnuLongEntry(longName), { path: 'cut', content: 'x' }],
      want: { [longName]: '644 x' },
    },
    "git's global comment": {
      entries: [paxEntry({ comment: 'c0ffee' }, 'g'), { path: 'a', content: 'x' }],
      want: { a: '644 x' },
    },
  };

for (const [name, { entries, want }] of Object.entries(wellFormed)) {
  test(`unpack: ${name}`, async (t) => {
    const tree = await unpackInto(await temporaryDirectory(t), tarGz(entries));
    for (const [path, text] of Object.entries(want)) {
      assert.equal(await describeFile(join(tree, path)), text, path);
    }
  });
}

async function describeFile(path: string): Promise<string> {
  const found = await lstat(path);
  const mode = (found.mode & 0o7777).toString(8);
  if (found.isSymbolicLink()) return `-> ${await readlink(path)}`;
  return found.isDirectory() ? `${mode} directory` : `${mode} ${await readFile(path, 'utf8')}`;
}

/** Writes an archive of the directory to the file. */
const packers: Record<string, (directory: string, file: string) => Promise<unknown>> = {
  'git archive': async (directory, file) => {
    const git = (...args: string[]) => run('git', ['-C', directory, ...args]);
    await git('init', '-q');
    await git('add', '-A');
    await git('-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '-qm', 'x');
    await git('archive', '--format=tar.gz', '-o', file, 'HEAD');
  },
  'tar, ustar': (directory, file) =>
    run('tar', ['-czf', file, '--format=ustar', '-C', directory, '.']),
  'tar, pax': (directory, file) => run('tar', ['-czf', file, '--format=pax', '-C', directory, '.']),
  'node-tar': (directory, file) =>
    create({ cwd: directory, file, gzip: true, portable: true }, ['.']),
};

for (const [name, pack] of Object.entries(packers)) {
  test(`unpack: an archive by ${name} is unpacked to the same files`, async (t) => {
    const root = await temporaryDirectory(t);
    const source = join(root, 'source');
    const long = join('site-modules', 'd'.repeat(50), 'e'.repeat(60), 'größe.pp');
    await mkdir(dirname(join(source, long)), { recursive: true });
    await writeFile(join(source, long), 'long');
    await writeFile(join(source, 'run.sh'), Buffer.alloc(100_000, 'x'));
    await chmod(join(source, 'run.sh'), 0o775);
    await symlink('site-modules', join(source, 'link'));
    await pack(source, join(root, 'packed.tar.gz'));

    const tree = await unpackInto(root, await readFile(join(root, 'packed.tar.gz')));
    assert.equal(await describeFile(join(tree, long)), '644 long');
    assert.equal(await describeFile(join(tree, 'run.sh')), `755 ${'x'.repeat(100_000)}`);
    assert.equal(await describeFile(join(tree, 'link')), '-> site-modules');
  });
}

test('unpack: modes do not depend on the umask', async (t) => {
  const root = await temporaryDirectory(t);
  const before = process.umask(0o077);
  t.after(() => process.umask(before));
  const tree = await unpackInto(root, tarGz([{ path: 'a/b', mode: 0o755, content: 'x' }]));
  assert.equal(await describeFile(tree), '755 directory');
  assert.equal(await describeFile(join(tree, 'a')), '755 directory');
  assert.equal(await describeFile(join(tree, 'a/b')), '755 x');
});

test('unpack: the leftovers of a crash are removed first', async (t) => {
  const root = await temporaryDirectory(t);
  const bytes = tarGz([{ path: 'a', content: 'new' }]);
  const { releases } = hostPaths({ platform: 'linux', root });
  await mkdir(join(releases, `${sha256Of(bytes)}.partial`, 'tree'), { recursive: true });
  await writeFile(join(releases, `${sha256Of(bytes)}.partial`, 'tree', 'old'), '');
  const tree = await unpackInto(root, bytes);
  assert.deepEqual(await names(tree), ['a']);
});

test('unpack: an existing release is not changed', async (t) => {
  const root = await temporaryDirectory(t);
  const bytes = tarGz([{ path: 'a', content: 'signed' }]);
  const tree = await unpackInto(root, bytes);
  await writeFile(join(tree, 'mark'), '');
  assert.equal(isUnpacked(dirname(tree)), true);
  await unpackInto(root, bytes);
  assert.deepEqual(await names(tree), ['a', 'mark']);
});

test('unpack: a stop ends it with the reason and leaves nothing behind', async (t) => {
  const { blobs, releases } = hostPaths({
    platform: 'linux',
    root: await temporaryDirectory(t),
  });
  const tarball = await verifiedTarball(exampleRelease(), blobs);
  const into = join(releases, tarball.sha256);
  const stopped = AbortSignal.abort(new Error('told to stop'));
  await assert.rejects(
    unpack(tarball, into, { limits, links: 'refuse', signal: stopped }),
    /told to stop/,
  );
  assert.deepEqual(await names(releases), []);
});

test('unpack: 2,000 files of 20 MB are unpacked byte for byte', async (t) => {
  const bytes = exampleRelease({ files: 2000, bytesEach: 10_000 });
  const started = performance.now();
  const tree = await unpackInto(await temporaryDirectory(t), bytes);
  t.diagnostic(`fetched and unpacked in ${Math.round(performance.now() - started)} ms`);
  for (let index = 0; index < 2000; index++) {
    const found = await readFile(join(tree, exampleFile(index)));
    assert.ok(found.equals(noise(10_000, String(index))), exampleFile(index));
  }
});

test('unpack: bytes after the end-of-archive mark are ignored', async (t) => {
  const [first, second] = ['a', 'b'].map((path) => tarArchive([{ path, content: 'x' }]));
  const both = gzipSync(Buffer.concat([first!, second!]));
  const tree = await unpackInto(await temporaryDirectory(t), both);
  assert.deepEqual(await names(tree), ['a']);
});
