import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metadataKey } from '../../../../bucket/layout.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { changed, codeOf, hostOf, newKey } from '../../key-commands.ts';
import { BUCKET, initialized, snapshotOf, TREE } from '../../operator-lab.ts';
import { COMMIT, FILE, ROOT_ROLES, releaseOf, sign, team } from '../../proposals/team.ts';

/* A writer of the bucket without keys occupies names that mm cannot skip. */

const KEY = metadataKey(TREE, '2.root.json');
const ROTATE = ['key', 'rotate', '--role', 'root', '--add', 'ann'];

const JUNK: Readonly<Record<string, Buffer>> = {
  junk: Buffer.from('in the way'),
  'another document': Buffer.from('{"signed":{"_type":"root","version":2},"signatures":[]}'),
  'more than hosts read': Buffer.alloc(5 * 1024 ** 2),
};

for (const [what, bytes] of Object.entries(JUNK)) {
  test(`row 7: ${what} in the name of the next root is named with the command that removes it`, async (t) => {
    const lab = await initialized(t);
    await newKey(lab, 'ann');
    const host = await hostOf(t, lab, 'host');
    const { trusted } = await host.poll();
    lab.server.put(BUCKET, KEY, bytes);
    const before = snapshotOf(lab.server);
    for (const args of [ROTATE, ['renew', 'root']]) {
      const { json } = await lab.mm([...args, '--json']);
      const { next } = ErrorAnswer.parse(json).error;
      assert.ok(next?.includes(`aws s3 rm s3://${BUCKET}/${KEY}`), String(next));
    }
    assert.deepEqual(snapshotOf(lab.server), before);
    // A host that has nothing new to verify does not look for the file.
    assert.deepEqual((await host.poll()).trusted.versions, trusted.versions);
    lab.server.delete(BUCKET, KEY);
    assert.equal((await changed(lab, ROTATE)).versions?.['root'], 2);
    assert.equal((await host.poll()).trusted.versions['root'], 2);
  });
}

test('row 5: junk in the name of the next root keeps nobody from the revocation of another key', async (t) => {
  const lab = await initialized(t);
  await newKey(lab, 'ann');
  const host = await hostOf(t, lab, 'host');
  await host.poll();
  lab.server.put(BUCKET, KEY, 'in the way');
  // Publications wait, and what takes a key away does not: the online keys may stay.
  assert.equal(await codeOf(lab, ['publish', 'stable', '--no-validate']), 'METADATA_INVALID');
  const revoke = ['key', 'rotate', '--role', 'stable', '--add', 'ann', '--remove', 'operator'];
  const { json } = await lab.mm([...revoke, '--json']);
  assert.match(String(ErrorAnswer.parse(json).error.next), /aws s3 rm .*2\.root\.json/);
  lab.server.delete(BUCKET, KEY);
  assert.equal((await host.poll()).trusted.versions['targets'], 2);
  assert.equal((await changed(lab, revoke)).outcome, 'unchanged');
});

for (const file of ['root', 'env-stable']) {
  test(`row 7: junk in the name of a proposed ${file} is named, and the proposal holds`, async (t) => {
    const people = await team(t);
    if (file === 'root') {
      await newKey(people, 'carol');
      await changed(people, ['key', 'rotate', ...ROOT_ROLES, '--add', 'carol', '--out', FILE]);
    } else await releaseOf(people);
    await sign(people, ...people.bob);
    const versions = people.server
      .keys(BUCKET)
      .flatMap((key) => new RegExp(`/(\\d+)\\.${file}\\.json$`).exec(key)?.[1] ?? [])
      .map(Number);
    const key = metadataKey(TREE, `${Math.max(...versions) + 1}.${file}.json`);
    people.server.put(BUCKET, key, 'in the way');
    const { json } = await people.mm([...COMMIT, '--json']);
    const { code, next } = ErrorAnswer.parse(json).error;
    assert.equal(code, 'METADATA_INVALID');
    assert.ok(next?.includes(`aws s3 rm s3://${BUCKET}/${key}`), String(next));
    people.server.delete(BUCKET, key);
    assert.equal((await changed(people, COMMIT)).outcome, 'committed');
  });
}
