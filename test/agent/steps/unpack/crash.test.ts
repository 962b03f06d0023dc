import assert from 'node:assert/strict';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { hostPaths, releasePaths } from '../../../../agent/paths.ts';
import { activate, activeRelease } from '../../../../agent/steps/activate.ts';
import { isUnpacked, unpack } from '../../../../agent/steps/unpack/unpack.ts';
import { sha256Of, verifiedTarball } from '../../../support/memory-blobs.ts';
import { exampleFile, exampleRelease, noise } from '../../../support/release-example.ts';
import { startStep } from '../../../support/steps-child.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';

const bytes = exampleRelease();
const sha256 = sha256Of(bytes);
const options = {
  limits: { maxBytes: 1e9, maxFiles: 1e5 },
  links: 'refuse' as const,
  signal: new AbortController().signal,
};

/** The limit for a test whose child dies without being killed. */
const patient = { timeout: 300_000 };

test(
  'unpack, killed halfway: there is no release, and the next attempt is complete',
  patient,
  async (t) => {
    const root = await temporaryDirectory(t);
    const paths = hostPaths({ platform: 'linux', root });
    const { directory, tree } = releasePaths(paths, sha256);
    const child = startStep(t, ['unpack-pipe', root]);
    assert.equal((await child.lines.next()).value, 'ready');
    const pipe = await open(join(paths.blobs, `${sha256}.tar.gz`), 'w');
    t.after(() => pipe.close());
    await pipe.writeFile(bytes.subarray(0, bytes.length / 2));
    while ((await names(join(`${directory}.partial`, 'tree/modules'))).length < 3) await wait(5);
    await child.kill();
    assert.deepEqual(await names(paths.releases), [`${sha256}.partial`]);
    assert.equal(isUnpacked(directory), false);

    await rm(join(paths.blobs, `${sha256}.tar.gz`));
    await unpack(await verifiedTarball(bytes, paths.blobs), directory, options);
    assert.deepEqual(await names(paths.releases), [sha256]);
    const last = await readFile(join(tree, exampleFile(199)));
    assert.ok(last.equals(noise(10_000, '199')));
  },
);

test(
  'activate, killed at any moment: one release is active, and the next swap works',
  patient,
  async (t) => {
    const root = await temporaryDirectory(t);
    const paths = hostPaths({ platform: 'linux', root });
    const digests = ['a'.repeat(64), 'b'.repeat(64)];
    for (const digest of digests) {
      const { tree } = releasePaths(paths, digest);
      await mkdir(tree, { recursive: true });
      await writeFile(join(tree, 'site.pp'), digest);
    }
    for (let kill = 1; kill <= 4; kill++) {
      const child = startStep(t, ['activate', root, ...digests]);
      for (let line = 0; line < kill; line++) await child.lines.next();
      await child.kill();
      const active = activeRelease(paths, 'stable');
      assert.ok(active !== undefined && digests.includes(active), `${active}`);
      const through = join(paths.environments, 'stable', 'site.pp');
      assert.equal(await readFile(through, 'utf8'), active);
      const other = digests.find((digest) => digest !== active) ?? '';
      activate(paths, { environment: 'stable', sha256: other });
      assert.equal(activeRelease(paths, 'stable'), other);
      assert.deepEqual(await names(paths.environments), ['stable']);
    }
  },
);
