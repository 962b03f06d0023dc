import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { hostPaths } from '../../../../agent/paths.ts';
import { sha256Of, verifiedTarball } from '../../../support/memory-blobs.ts';
import { exampleRelease } from '../../../support/release-example.ts';
import { startLimitedStep, startStep } from '../../../support/steps-child.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';

const bytes = exampleRelease();
const sha256 = sha256Of(bytes);

test('fetch, killed halfway: nothing looks verified, and the next fetch is complete', async (t) => {
  const root = await temporaryDirectory(t);
  const { blobs } = hostPaths({ platform: 'linux', root });
  const child = startStep(t, ['fetch-half', root]);
  assert.equal((await child.lines.next()).value, 'half');
  await child.kill();
  assert.deepEqual(await names(blobs), [`${sha256}.ImUi.unverified`]);

  const tarball = await verifiedTarball(bytes, blobs);
  assert.deepEqual(await readFile(tarball.path), bytes);
  assert.deepEqual(await names(blobs), [`${sha256}.tar.gz`]);
});

test('fetch: an unwritable disk is not reported as a broken connection', async (t) => {
  const root = await temporaryDirectory(t);
  const child = startLimitedStep(t, 100, ['fetch', root]);
  assert.equal((await child.lines.next()).value, 'EFBIG after 1');
  await child.ended;
  assert.deepEqual(await names(hostPaths({ platform: 'linux', root }).blobs), []);
});
