import assert from 'node:assert/strict';
import { symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { followTimeZone } from '../../../agent/io/time-zone.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

/** Counts how often Node would be forced to read the zone again. */
function environment(own: NodeJS.ProcessEnv = {}): {
  readonly env: NodeJS.ProcessEnv;
  reads: number;
} {
  const counted = { env: own, reads: 0 };
  counted.env = new Proxy(own, {
    deleteProperty(target, name) {
      counted.reads += 1;
      return Reflect.deleteProperty(target, name);
    },
  });
  return counted;
}

test('time zone: read again when the link points elsewhere, when its target changes, and when it is removed', async (t) => {
  const path = join(await temporaryDirectory(t), 'localtime');
  await writeFile(`${path}-a`, 'a');
  await writeFile(`${path}-b`, 'bb');
  await symlink(`${path}-a`, path);
  const found = environment();
  const read = followTimeZone(found.env, path);
  read();
  assert.equal(found.reads, 0);
  await unlink(path);
  await symlink(`${path}-b`, path);
  for (const _ of [1, 2]) read();
  assert.equal(found.reads, 1);
  await writeFile(`${path}-b`, 'ccc');
  for (const _ of [1, 2]) read();
  assert.equal(found.reads, 2);
  await unlink(path);
  for (const _ of [1, 2]) read();
  assert.equal(found.reads, 3);
  assert.equal(found.env['TZ'], undefined);
});

test('time zone: with TZ set the file is ignored', async (t) => {
  const path = join(await temporaryDirectory(t), 'localtime');
  const found = environment({ TZ: 'Europe/Berlin' });
  const read = followTimeZone(found.env, path);
  await writeFile(path, 'a');
  read();
  assert.equal(found.reads, 0);
  assert.equal(found.env['TZ'], 'Europe/Berlin');
});
