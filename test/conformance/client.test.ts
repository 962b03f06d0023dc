import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MAX_VERSION_STEP } from '../../trust/metadata/version-limits.ts';
import { keyTable, newKey, sha256, signDocument } from '../support/tuf/simulator-keys.ts';
import { readExpectedFailures } from './expected-failures.ts';
import { addTarget, CONTENT, DOWNLOADS, REFRESHES, RELEASE } from './scenarios.ts';
import { Scene } from './scene.ts';

/*
 * The main scenarios of the TUF conformance suite, run against the same program that the suite
 * runs. `suite.ts` runs the suite itself where it is installed.
 */

const DONE = { code: 0, error: '' };

describe('conformance client', { concurrency: 2 }, () => {
  let refreshed: Scene;
  before(async () => {
    refreshed = await Scene.empty();
    assert.deepEqual(await refreshed.init(), DONE);
    assert.deepEqual(await refreshed.refresh(), DONE);
  });
  after(() => refreshed[Symbol.asyncDispose]());

  test('init requests nothing, the first refresh requests each file once', () => {
    assert.deepEqual(refreshed.server.requests, [
      '/metadata/timestamp.json',
      '/metadata/2.root.json',
      '/metadata/3.snapshot.json',
      '/metadata/2.targets.json',
    ]);
  });

  for (const [name, { play, end, nowTrusted = {} }] of Object.entries(REFRESHES)) {
    test(`refresh: ${name}`, async () => {
      await using scene = await Scene.after(refreshed);
      const known = await scene.trusted();
      play(scene);
      const accepted = end === 'accepted';
      assert.deepEqual(await scene.refresh(), accepted ? DONE : { code: 1, error: end });
      const wanted = accepted ? scene.published() : { ...known, ...nowTrusted };
      assert.deepEqual(await scene.trusted(), wanted);
    });
  }

  for (const [name, { play, targets, end, downloaded }] of Object.entries(DOWNLOADS)) {
    test(`download: ${name}`, async () => {
      await using scene = await Scene.after(refreshed);
      play?.(scene);
      const wanted = end === 'done' ? DONE : { code: 1, error: end };
      assert.deepEqual(await scene.download(...targets), wanted);
      assert.deepEqual(await scene.downloaded(), downloaded);
    });
  }

  test('refresh: a client whose first root has no signature requests nothing', async () => {
    await using scene = await Scene.empty();
    await scene.init(
      Buffer.from(JSON.stringify({ signed: scene.repository.root, signatures: [] })),
    );
    assert.deepEqual(await scene.refresh(), { code: 1, error: 'ROOT_INVALID' });
    assert.deepEqual(scene.server.requests, []);
  });

  test('refresh: a fast-forward is undone only by new online keys', async () => {
    await using scene = await Scene.after(refreshed);
    const { repository } = scene;
    repository.timestamp.version = MAX_VERSION_STEP;
    repository.snapshot.version = MAX_VERSION_STEP;
    repository.commit();
    assert.deepEqual(await scene.refresh(), DONE);
    assert.deepEqual(await scene.trusted(), scene.published());
    repository.timestamp.version = 10;
    repository.snapshot.version = 10;
    repository.commit();
    assert.deepEqual(await scene.refresh(), { code: 1, error: 'METADATA_ROLLBACK' });
    repository.rotateOnline('timestamp', 'snapshot');
    repository.commit();
    assert.deepEqual(await scene.refresh(), DONE);
    assert.deepEqual(await scene.trusted(), scene.published());
  });

  test('download: a second download sends no request; new content replaces the old', async () => {
    await using scene = await Scene.after(refreshed);
    const asked = () => scene.server.requests.filter((path) => path.startsWith('/targets/'));
    for (let times = 0; times < 2; times += 1) {
      assert.deepEqual(await scene.download(RELEASE), DONE);
      assert.deepEqual(await scene.downloaded(), [CONTENT]);
    }
    assert.deepEqual(asked(), [`/targets/stable/${sha256(CONTENT)}.current`]);
    scene.repository.publish('stable', '1.2.0');
    assert.deepEqual(await scene.download(RELEASE), DONE);
    assert.deepEqual(await scene.downloaded(), ['tarball of stable 1.2.0']);
    assert.equal(asked().length, 2);
  });

  test('download: two targets, each with its own refresh', async () => {
    await using scene = await Scene.empty();
    await scene.init();
    addTarget(scene.repository, 'other.txt', 'other');
    assert.deepEqual(await scene.download(RELEASE, 'other.txt'), DONE);
    assert.deepEqual(await scene.downloaded(), ['other', CONTENT]);
    assert.deepEqual(await scene.trusted(), {
      ...scene.published(),
      'env-stable.json': scene.repository.role('stable').version,
    });
  });

  test('download: a role called ../../climbed stays in its folder', async () => {
    await using scene = await Scene.after(refreshed);
    const { repository } = scene;
    const key = newKey();
    const name = '../../climbed';
    const { targets } = repository;
    const role = { name, keyids: [key.keyId], threshold: 1, terminating: true };
    targets.delegations!.roles.push({ ...role, paths: ['climbing/*'] });
    Object.assign(targets.delegations!.keys, keyTable([key]));
    const { delegations: _, ...document } = { ...targets, version: 1 };
    const bytes = signDocument(document, [key]);
    repository.files.set(`1.${encodeURIComponent(name)}.json`, bytes);
    repository.snapshot.meta[`${name}.json`] = { version: 1 };
    repository.commit(['targets']);
    const ran = await scene.download('climbing/nothing');
    assert.deepEqual(ran, { code: 1, error: 'METADATA_MISSING' });
    assert.equal(Object.keys(await scene.trusted()).length, 5);
    await assert.rejects(access(join(scene.metadataDir, 'agent', 'climbed.json')));
  });
});

test('conformance: each expected failure of the suite is named once, with a reason', async () => {
  assert.ok((await readExpectedFailures()).size > 0);
});
