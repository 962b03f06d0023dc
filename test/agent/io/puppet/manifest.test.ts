import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { manifestArgument } from '../../../../agent/io/puppet/manifest.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

test('manifest: environment.conf is read through a link, and a FIFO or a device in its place is ignored', async (t) => {
  const root = await temporaryDirectory(t);
  const tree = join(root, 'stable');
  const conf = join(tree, 'environment.conf');
  await mkdir(join(tree, 'manifests'), { recursive: true });
  const place = { environmentPath: root, environment: 'stable', runDirectory: join(root, 'run') };
  const found = () => manifestArgument({ ...place, privateDirectory: undefined });
  await writeFile(join(tree, 'conf'), 'manifest = site.pp\n');
  await symlink('conf', conf);
  assert.equal(found(), join(tree, 'site.pp'));
  await rm(conf);
  execFileSync('mkfifo', [conf]);
  assert.equal(found(), join(tree, 'manifests'));
  await rm(conf);
  await symlink('/dev/zero', conf);
  assert.equal(found(), join(tree, 'manifests'));
});
