import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { metadataKey } from '../../../../bucket/layout.ts';
import { changed, changedWithout, codeOf, hostOf, newKey } from '../../key-commands.ts';
import { BUCKET, type OperatorLab, TREE } from '../../operator-lab.ts';
import { ciLabs, evilRelease, RECOVER, Thief } from './theft.ts';

/**
 * Who only writes to the bucket deletes what the snapshot names, and hopes that somebody starts a
 * recovery: from a state that is not current, it could take hosts back.
 */

const REVOKE = ['key', 'revoke', 'online1', '--replace-by', 'online2'];

/** Versions so far: targets 2, testing 3. Since then: testing 4 by another key, in targets 3. */
const ciLab = ciLabs(async (lab) => {
  for (const name of ['online2', 'ci2']) await newKey(lab, name);
  await cp(stateOf(lab), join(lab.directory, 'behind'), {
    recursive: true,
    verbatimSymlinks: true,
  });
});

const stateOf = ({ repository }: OperatorLab) => join(repository, '.miyamoto');
const drop = ({ server }: OperatorLab, file: string) =>
  server.delete(BUCKET, metadataKey(TREE, file));

async function forget(lab: OperatorLab, state: string): Promise<void> {
  await rm(stateOf(lab), { recursive: true });
  const behind = join(lab.directory, 'behind');
  if (state === 'behind')
    await cp(behind, stateOf(lab), { recursive: true, verbatimSymlinks: true });
}

for (const state of ['fresh', 'behind']) {
  test(`lost files: a release that was deleted takes no host back unnoticed: ${state}`, async (t) => {
    const lab = await ciLab(t);
    const old = lab.metadata('2.env-stable.json').signed.targets['stable/current'].hashes.sha256;
    await lab.commit('manifests/site.pp', '# the security fix\n');
    assert.equal((await lab.mm(['publish', 'stable', '--no-validate'])).exitCode, 0);
    const host = await hostOf(t, lab, 'host');
    await host.poll();
    await forget(lab, state);
    drop(lab, '3.env-stable.json');
    for (const args of [
      RECOVER,
      REVOKE,
      [...RECOVER, '--out', 'r.proposal.json'],
      [...RECOVER, '--noop'],
    ]) {
      assert.equal(await codeOf(lab, args), 'NOT_CONFIRMED', args.join(' '));
    }
    const { stderr } = await lab.mm([...RECOVER, '--without', '4.env-stable.json']);
    const found = `stable version 2: stable/current 0.1.0 \\(sha256 ${old.slice(0, 12)}\\)`;
    assert.match(stderr, new RegExp(`names 3.env-stable.json, .* with ${found}`));
    assert.equal((await host.poll()).trusted.versions['env-stable'], 3);
    await changedWithout(lab, RECOVER, ['3.env-stable.json']);
  });

  test(`lost files: no revoked key comes back unnoticed: ${state}`, async (t) => {
    const lab = await ciLab(t);
    const thief = new Thief(lab);
    const { targets } = lab.metadata('3.env-testing.json').signed;
    const evil = evilRelease(lab, targets['testing/current']);
    await changed(lab, ['key', 'revoke', 'ci', '--replace-by', 'ci2', '--keep']);
    await thief.signTesting(20, { targets: { 'testing/current': evil } });
    drop(lab, '3.targets.json');
    await forget(lab, state);
    const { stderr } = await lab.mm(['key', 'list']);
    assert.match(
      stderr,
      /names 3.targets.json, .* targets version 2, by which .*ci may sign testing/,
    );
    const lost = ['3.targets.json', '4.env-testing.json'];
    assert.equal(await codeOf(lab, [...RECOVER, '--without', '3.targets.json']), 'NOT_CONFIRMED');
    await changedWithout(lab, RECOVER, lost);
  });
}

/** What a writer of the bucket does, and the file that a person must name. */
const HIDDEN: Readonly<Record<string, readonly [(lab: OperatorLab) => void, string]>> = {
  'a file of other bytes that its key signed': [
    (lab) => {
      const other = lab.server.get(BUCKET, metadataKey(TREE, 'other')) ?? Buffer.alloc(0);
      lab.server.put(BUCKET, metadataKey(TREE, '3.env-testing.json'), other);
    },
    '3.env-testing.json',
  ],
  'the bytes of an older snapshot': [
    (lab) => {
      const { version } = lab.metadata('timestamp.json').signed.meta['snapshot.json'];
      const older = lab.server.get(BUCKET, metadataKey(TREE, '3.snapshot.json')) ?? Buffer.alloc(0);
      lab.server.put(BUCKET, metadataKey(TREE, `${version}.snapshot.json`), older);
    },
    'timestamp.json',
  ],
};

for (const [what, [hide, file]] of Object.entries(HIDDEN)) {
  test(`lost files: ${what} is not what the snapshot or timestamp names`, async (t) => {
    const lab = await ciLab(t);
    const thief = new Thief(lab);
    const key = metadataKey(TREE, '3.env-testing.json');
    const honest = lab.server.get(BUCKET, key) ?? Buffer.alloc(0);
    await thief.signTesting(3, { 'x-other': 1 });
    lab.server.put(BUCKET, metadataKey(TREE, 'other'), lab.server.get(BUCKET, key) ?? honest);
    lab.server.put(BUCKET, key, honest);
    hide(lab);
    await forget(lab, 'fresh');
    await changedWithout(lab, RECOVER, [file]);
  });
}

// A signed file of an older version, under the name of a newer one.
for (const isNamed of [true, false]) {
  const by = isNamed ? 'a thief of the online key names' : 'only its name makes the newest';
  test(`lost files: an older file that ${by} takes no host back unnoticed`, async (t) => {
    const lab = await ciLab(t);
    const older = ['2.env-stable.json', '2.targets.json'].map((file) =>
      lab.server.get(BUCKET, metadataKey(TREE, file)),
    );
    const revoke = ['key', 'revoke', 'ci', '--replace-by', 'ci2', '--keep'];
    await changed(lab, revoke);
    await lab.commit('manifests/site.pp', '# the security fix\n');
    assert.equal((await lab.mm(['publish', 'stable', '--no-validate'])).exitCode, 0);
    const host = await hostOf(t, lab, 'host');
    const before = (await host.poll()).trusted.versions;
    for (const [index, role] of ['env-stable', 'targets'].entries())
      lab.server.put(BUCKET, metadataKey(TREE, `9.${role}.json`), older[index] ?? Buffer.alloc(0));
    if (isNamed) await new Thief(lab).signOnline({ 'env-stable': 9, targets: 9 });
    else {
      drop(lab, 'timestamp.json');
      await forget(lab, 'fresh');
    }
    const lost = isNamed ? ['9.targets.json', '9.env-stable.json'] : ['timestamp.json'];
    await changedWithout(lab, RECOVER, lost);
    const { targets, 'env-stable': stable } = (await host.poll()).trusted.versions;
    assert.deepEqual([targets, stable], [before['targets'], before['env-stable']]);
  });
}
