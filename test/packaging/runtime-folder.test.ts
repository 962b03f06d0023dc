import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { unpackTarball } from '../../packaging/runtime-folder.ts';
import { tarGz } from '../support/tar-writer.ts';
import { names, temporaryDirectory } from '../support/temporary-directory.ts';

const tarball = tarGz(
  ['bin/node', 'bin/other', 'LICENSE', 'package.json'].map((name) => ({
    path: `package/${name}`,
    content: name,
  })),
);
const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;

test('runtime folder: the locked tarball is unpacked, only what is needed of it', async (t) => {
  const folder = await temporaryDirectory(t);
  await writeFile(join(folder, 'x.tgz'), tarball);
  await unpackTarball(join(folder, 'x.tgz'), { integrity, folder });
  assert.deepEqual(await names(join(folder, 'package')), ['LICENSE', 'bin', 'package.json']);
  assert.deepEqual(await names(join(folder, 'package/bin')), ['node']);
});

test('row 24: of another tarball of the runtime nothing is unpacked', async (t) => {
  const folder = await temporaryDirectory(t);
  await writeFile(join(folder, 'x.tgz'), Buffer.concat([tarball, Buffer.alloc(512)]));
  await assert.rejects(unpackTarball(join(folder, 'x.tgz'), { integrity, folder }), /package-lock/);
  assert.deepEqual(await names(folder), ['x.tgz']);
});
