import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { billOfMaterials } from '../../../operator/packages/flat/bom.ts';
import { type FlatPackage, flatPackage } from '../../../operator/packages/flat/flat-package.ts';
import { listBom } from '../../support/bom.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/*
 * Without programs of Apple, 7z, cpio, xmllint and cksum read what was written, and a reader
 * of bills in test/support. By hand, lsbom of bomutils printed the same bill as for mkbom's.
 */

const FLAT: FlatPackage = {
  identifier: 'com.example.agent',
  version: '1.42',
  title: 'Fish & <chips>',
  architecture: 'arm64',
  minimumSystem: '13.5',
  items: [
    { path: 'usr/local/x/bin/run', mode: 0o755, content: Buffer.from('#!/bin/sh\n') },
    { path: 'usr/local/x-y', mode: 0o644, content: Buffer.alloc(100_000, 'page ') },
    { path: 'Library/a', mode: 0o644, content: Buffer.from('a') },
    { path: 'private/etc/z', mode: 0o755 },
  ],
  scripts: { postinstall: 'echo done\n' },
  time: 1_790_000_000,
};

/** As 7z unpacks it. */
async function unpacked(t: TestContext, flat: FlatPackage) {
  const directory = await temporaryDirectory(t);
  const path = join(directory, 'x.pkg');
  await writeFile(path, flatPackage(flat));
  execFileSync('7z', ['t', path], { stdio: 'pipe' });
  execFileSync('7z', ['x', `-o${directory}/x`, path], { stdio: 'pipe' });
  const component = join(directory, 'x/agent.pkg');
  /** What cpio reads in an archive of the component, with the modes. */
  const listed = async (archive: string) => {
    const input = gunzipSync(await readFile(join(component, archive)));
    assert.equal(input.length % 512, 0);
    const folder = join(directory, archive);
    await mkdir(folder);
    execFileSync('cpio', ['-idm', '--quiet'], { input, cwd: folder });
    const lines = execFileSync('cpio', ['-itv', '--quiet', '--numeric-uid-gid'], { input });
    return {
      folder,
      files: String(lines)
        .trimEnd()
        .split('\n')
        .map((line) => {
          const [mode, , user, group] = line.split(/\s+/);
          return `${mode} ${user}/${group} ${line.slice(line.lastIndexOf(' ') + 1)}`;
        }),
    };
  };
  return { directory, component, listed };
}

test('flat package: 7z and cpio read what is installed, all owned by root', async (t) => {
  const { component, listed } = await unpacked(t, FLAT);
  const { files, folder } = await listed('Payload');
  assert.deepEqual(files, [
    'drwxr-xr-x 0/0 .',
    'drwxr-xr-x 0/0 ./Library',
    '-rw-r--r-- 0/0 ./Library/a',
    'drwxr-xr-x 0/0 ./private',
    'drwxr-xr-x 0/0 ./private/etc',
    'drwxr-xr-x 0/0 ./private/etc/z',
    'drwxr-xr-x 0/0 ./usr',
    'drwxr-xr-x 0/0 ./usr/local',
    'drwxr-xr-x 0/0 ./usr/local/x',
    '-rw-r--r-- 0/0 ./usr/local/x-y',
    'drwxr-xr-x 0/0 ./usr/local/x/bin',
    '-rwxr-xr-x 0/0 ./usr/local/x/bin/run',
  ]);
  const big = await readFile(join(folder, 'usr/local/x-y'));
  assert.ok(big.equals(Buffer.alloc(100_000, 'page ')));
  assert.deepEqual((await listed('Scripts')).files, [
    'drwxr-xr-x 0/0 .',
    '-rwxr-xr-x 0/0 ./postinstall',
  ]);
  const bom = await readFile(join(component, 'Bom'));
  const inBom = listBom(bom).map(({ path }) => path);
  assert.deepEqual(inBom.toSorted(), files.map((line) => line.split(' ')[2]).toSorted());
});

test('flat package: the bill has the mode, the size and the cksum of each file, directories first', async (t) => {
  const { component, listed } = await unpacked(t, FLAT);
  const { folder } = await listed('Payload');
  const entries = listBom(await readFile(join(component, 'Bom')));
  assert.deepEqual(
    entries.map(({ path }) => path),
    [
      '.',
      './Library',
      './private',
      './usr',
      './Library/a',
      './private/etc',
      './usr/local',
      './private/etc/z',
      './usr/local/x',
      './usr/local/x-y',
      './usr/local/x/bin',
      './usr/local/x/bin/run',
    ],
  );
  for (const { path, mode, user, group, time, size, checksum } of entries) {
    assert.deepEqual([user, group, time], [0, 0, FLAT.time]);
    const isFile = (mode & 0o170000) === 0o100000;
    if (!isFile) {
      assert.deepEqual([mode, size, checksum], [0o040755, 0, 0], path);
      continue;
    }
    const [sum, bytes] = String(execFileSync('cksum', [join(folder, path)])).split(' ');
    assert.deepEqual([checksum, size], [Number(sum), Number(bytes)], path);
  }
  assert.equal(entries.at(-1)?.mode, 0o100755);
});

test('flat package: an XML parser reads its two documents, whatever is in the texts', async (t) => {
  const { directory, component } = await unpacked(t, FLAT);
  const value = (file: string, xpath: string) =>
    String(execFileSync('xmllint', ['--xpath', `string(${xpath})`, file])).trimEnd();
  const info = join(component, 'PackageInfo');
  assert.equal(value(info, '/pkg-info/@identifier'), FLAT.identifier);
  assert.equal(value(info, '/pkg-info/@version'), FLAT.version);
  assert.equal(value(info, '/pkg-info/@install-location'), '/');
  assert.equal(value(info, '/pkg-info/payload/@numberOfFiles'), '12');
  assert.equal(value(info, '/pkg-info/scripts/postinstall/@file'), './postinstall');
  const distribution = join(directory, 'x/Distribution');
  assert.equal(value(distribution, '//title'), FLAT.title);
  assert.equal(value(distribution, '//options/@hostArchitectures'), 'arm64');
  assert.equal(value(distribution, '//os-version/@min'), '13.5');
  assert.equal(value(distribution, '//pkg-ref[@version]'), '#agent.pkg');
});

test('flat package: the same input gives the same bytes, other input gives others', () => {
  const bytes = flatPackage(FLAT);
  assert.ok(bytes.equals(flatPackage({ ...FLAT, items: FLAT.items.toReversed() })));
  for (const other of [
    { items: FLAT.items.slice(1) },
    { version: '1.43' },
    { time: FLAT.time + 1 },
    { scripts: {} },
  ]) {
    assert.ok(!bytes.equals(flatPackage({ ...FLAT, ...other })), JSON.stringify(other));
  }
});

test('flat package: more paths than one leaf of the bill can hold are refused', () => {
  const items = Array.from({ length: 256 }, (_, at) => ({ path: `${at}`, mode: 0o755 }));
  assert.equal(listBom(billOfMaterials(items.slice(1), 0)).length, 256);
  assert.throws(() => billOfMaterials(items, 0), /257/);
});
