import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { blobKey, metadataKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer, PublishAnswer } from '../../../../operator/answers.ts';
import { changed, codeOf, hostOf, newKey } from '../../key-commands.ts';
import { BUCKET, TREE } from '../../operator-lab.ts';
import { type CiLab, ciLabs, RECOVER, Thief } from './theft.ts';

/* Who only writes to the bucket deletes what this machine has verified, and what hosts need. */

const ciLab = ciLabs((lab) => newKey(lab, 'online2'));

const FILES = ['targets', 'env-stable', 'snapshot', 'root'];

/** The present files, by role. */
function present(lab: CiLab): Readonly<Record<string, string>> {
  const { version } = lab.metadata('timestamp.json').signed.meta['snapshot.json'];
  const { meta } = lab.metadata(`${version}.snapshot.json`).signed;
  const roots = lab.files().filter((file) => file.endsWith('.root.json'));
  const ofRole = (role: string) => `${meta[`${role}.json`].version}.${role}.json`;
  return {
    ...{ targets: ofRole('targets'), 'env-stable': ofRole('env-stable') },
    ...{ snapshot: `${version}.snapshot.json`, root: `${roots.length}.root.json` },
  };
}

const keyOf = (file: string) => metadataKey(TREE, file);

async function poll(t: TestContext, lab: CiLab, name: string): Promise<void> {
  const { trusted } = await (await hostOf(t, lab, name)).poll(['stable', 'testing']);
  assert.ok(trusted.environments.get('stable')?.current);
}

for (const [name, args] of Object.entries({
  renew: ['renew'],
  publish: ['publish', 'testing', '--no-validate', '--force'],
  'key rotate --recover': RECOVER,
})) {
  test(`restored: mm ${name} uploads every deleted file that this machine verified`, async (t) => {
    const lab = await ciLab(t);
    const files = present(lab);
    for (const role of FILES) lab.server.delete(BUCKET, keyOf(files[role]!));
    await assert.rejects(poll(t, lab, 'before'));
    const { exitCode, stderr } = await lab.mm(args);
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /^2\.targets\.json was missing in the bucket: uploaded again/m);
    await poll(t, lab, 'after');
  });
}

test('restored: mm doctor names mm renew, and other bytes are named with the command that removes them', async (t) => {
  const lab = await ciLab(t);
  const { targets, root } = present(lab);
  lab.server.delete(BUCKET, keyOf(targets!));
  lab.server.delete(BUCKET, keyOf(root!));
  const { exitCode, stdout } = await lab.mm(['doctor']);
  assert.equal(exitCode, 1);
  assert.match(stdout, /2\.root\.json .*\n.*mm renew uploads it again/);
  await changed(lab, ['renew']);
  assert.equal((await lab.mm(['doctor'])).exitCode, 0);
  lab.server.put(BUCKET, keyOf(targets!), 'something else');
  const { json } = await lab.mm(['renew', '--json']);
  const { next } = ErrorAnswer.parse(json).error;
  assert.match(String(next), /aws s3 rm s3:\S+2\.targets\.json .*; then mm renew, /);
  lab.server.delete(BUCKET, keyOf(targets!));
  await changed(lab, ['renew']);
  await poll(t, lab, 'after');
});

test('restored: a recovery names no bytes that the bucket does not have', async (t) => {
  const lab = await ciLab(t);
  // The snapshot of the thief names bytes of version 2 that are nowhere.
  const { 'env-stable': file = '' } = present(lab);
  const honest = lab.server.get(BUCKET, keyOf(file))!;
  lab.server.put(BUCKET, keyOf(file), Buffer.alloc(200));
  await new Thief(lab).signOnline({ 'env-stable': 2 });
  assert.equal(await codeOf(lab, RECOVER), 'METADATA_INVALID');
  lab.server.delete(BUCKET, keyOf(file));
  await changed(lab, RECOVER);
  assert.deepEqual(lab.server.get(BUCKET, keyOf(file)), honest);
  await poll(t, lab, 'after');
});

test('restored: without timestamp.json a machine that has seen it does not begin a new tree', async (t) => {
  const lab = await ciLab(t);
  lab.server.delete(BUCKET, keyOf('timestamp.json'));
  for (const args of [['renew'], ['publish', 'stable']]) {
    const { json } = await lab.mm([...args, '--json']);
    assert.match(
      String(ErrorAnswer.parse(json).error.next),
      /mm key rotate .*--recover --add KEY$/,
    );
  }
  await changed(lab, [...RECOVER, '--without', 'timestamp.json']);
  await poll(t, lab, 'after');
});

test('restored: mm publish uploads a deleted tarball again, and mm doctor names it', async (t) => {
  const lab = await ciLab(t);
  const { 'env-stable': file = '' } = present(lab);
  const { sha256 } = lab.metadata(file).signed.targets['stable/current'].hashes;
  const key = blobKey(TREE, sha256);
  const bytes = lab.server.get(BUCKET, key)!;
  lab.server.delete(BUCKET, key);
  const { stdout } = await lab.mm(['doctor']);
  const [, next = ''] =
    /tarball of 0\.1\.0 is missing.*\n +next: mm (.*), which/.exec(stdout) ?? [];
  assert.equal(next, 'publish stable');
  const done = await lab.mm([...next.split(' '), '--no-validate', '--json']);
  assert.equal(PublishAnswer.parse(done.json).outcome, 'unchanged');
  assert.deepEqual(lab.server.get(BUCKET, key), bytes);
  assert.equal((await lab.mm(['doctor'])).exitCode, 0);
});
