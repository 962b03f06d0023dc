import assert from 'node:assert/strict';
import { access, lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseEnvironmentConf } from '../../../../bucket/documents/environment-conf.ts';
import { writeEnvironment } from '../../../../operator/preview/catalogs/environment-files.ts';
import { sideOfSource } from '../../../../operator/preview/sides/read-sides.ts';
import type { Side } from '../../../../operator/preview/sides/side.ts';
import type { TreeEntry } from '../../../../operator/release/tree/tree.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { file, link, sourceTree } from '../../release/fixture.ts';

function sideOf(...entries: readonly TreeEntry[]): Side {
  return sideOfSource({ tree: { ...sourceTree(), entries }, conf: parseEnvironmentConf('') });
}

test('environment files: files, modes and links', async (t) => {
  const directory = join(await temporaryDirectory(t), 'stable');
  const manifest = await writeEnvironment(
    sideOf(file('manifests/site.pp', 'a'), link('modules/a/b', '../../manifests/site.pp')),
    directory,
  );
  assert.equal(manifest, null);
  assert.equal(await readFile(join(directory, 'manifests/site.pp'), 'utf8'), 'a');
  assert.equal(await readlink(join(directory, 'modules/a/b')), '../../manifests/site.pp');
});

test('environment files: a link that leaves the release shows nothing of this machine', async (t) => {
  const directory = join(await temporaryDirectory(t), 'stable');
  await writeEnvironment(sideOf(link('files/passwd', '/etc/passwd'), file('a', 'a')), directory);
  await assert.rejects(lstat(join(directory, 'files/passwd')), { code: 'ENOENT' });
});

test('environment files: a path that leaves the directory is ARCHIVE_UNSAFE', async (t) => {
  const directory = join(await temporaryDirectory(t), 'stable');
  const side = sideOf(file('a/../../outside', 'x'));
  await assert.rejects(writeEnvironment(side, directory), { code: 'ARCHIVE_UNSAFE' });
  await assert.rejects(access(join(directory, '../outside')), { code: 'ENOENT' });
});

test('environment files: the older form gets a directory of manifests', async (t) => {
  const directory = join(await temporaryDirectory(t), 'stable');
  const side = sideOf(file('nodeless_site.pp', 'a'), file('classes/x/b.pp', 'b'), file('c.pp', ''));
  const manifests = await writeEnvironment(side, directory);
  assert.ok(manifests !== null);
  const found = await readdir(manifests, { recursive: true });
  assert.deepEqual(found.sort(), ['classes', 'classes/x', 'classes/x/b.pp', 'nodeless_site.pp']);
});
