import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../../packaging/build.ts';
import { pinnedRuntime, RUNTIME_SHA512 } from '../../packaging/runtime.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

test('runtime: the Node of each platform is pinned by its sha512, in the version of package.json', async () => {
  const text = await readFile(join(ROOT, 'package.json'), 'utf8');
  const { optionalDependencies } = JSON.parse(text) as {
    readonly optionalDependencies: Readonly<Record<string, string>>;
  };
  const wanted = Object.entries(optionalDependencies).map(
    ([name, version]) => `${name}@${version}`,
  );
  assert.deepEqual(Object.keys(RUNTIME_SHA512).sort(), wanted.sort());
  for (const digest of Object.values(RUNTIME_SHA512)) assert.match(digest, /^[0-9a-f]{128}$/);
});

test('runtime: these tests run on the pinned program', async () => {
  const folder = dirname(dirname(process.execPath));
  const { version } = await pinnedRuntime(folder);
  assert.equal(version, process.versions.node);
});

const changes: Readonly<Record<string, { name?: string; version?: string; bytes?: string }>> = {
  'another program under the same version': { bytes: '#!/bin/sh\necho v24.21.0\n' },
  'a version that is not pinned': { version: '24.21.1' },
  'another package': { name: 'node-linux-x64-but-better' },
};
for (const [name, change] of Object.entries(changes)) {
  test(`runtime: ${name} is refused`, async (t) => {
    const folder = await temporaryDirectory(t);
    const [pinned = ''] = Object.keys(RUNTIME_SHA512);
    const [packageName, version] = pinned.split('@');
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin/node'), change.bytes ?? 'anything');
    const manifest = { name: packageName, version, ...change };
    await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
    await assert.rejects(pinnedRuntime(folder), /sha512/);
  });
}
