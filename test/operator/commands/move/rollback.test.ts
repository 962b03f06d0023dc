import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUCKET } from '../../operator-lab.ts';
import { moveLab, person } from './move-lab.ts';

const RELEASES = ['a', 'b', 'c'].map((name) => `node default { notify { "${name}": } }`);
const STABLE = RELEASES.map((content) => ['stable', content] as const);
const TIMESTAMP = 'ubuntu/manifests/metadata/timestamp.json';

test('rollback: to the release before, again and again, as newly signed metadata', async (t) => {
  const lab = await moveLab(t, ...STABLE);
  const host = await lab.host('web1');
  const before = await host.poll();
  const version = before.trusted.versions['env-stable'] ?? 0;
  const yes = person('y');
  const once = await lab.moved(['rollback', 'stable', '--reason', '0.1.2 breaks ntp'], yes);
  assert.equal(once.current?.version, '0.1.1');
  assert.deepEqual(yes.asked, ['go back to 0.1.1? [y/N] ']);
  // A host that has seen the newer release follows: the statement is newer, the release is not.
  const after = await host.poll();
  assert.equal(after.trusted.versions['env-stable'], version + 1);
  const selection = await lab.selected(host);
  assert.ok(selection.kind === 'run');
  assert.equal(selection.release.custom.version, '0.1.1');
  // A job that repeats the command does not go back once more, also after a pause.
  await lab.moved(['hold', 'stable', '--reason', 'ntp']);
  await lab.moved(['resume', 'stable']);
  const { code, next = '' } = await lab.refused(['rollback', 'stable', '--yes']);
  assert.equal(code, 'NOT_CONFIRMED');
  assert.equal((await lab.refused(['rollback', 'stable', '--yes'], person('n'))).code, code);
  const [name = ''] = /[0-9a-f]{12}$/.exec(String(next)) ?? [];
  const twice = await lab.moved(['rollback', 'stable', name, '--yes']);
  assert.equal(twice.current?.version, '0.1.0');
  const error = await lab.refused(['rollback', 'stable', '--yes']);
  assert.deepEqual([error.code, error.next?.slice(0, 18)], ['USAGE', 'mm releases stable']);
});

test('rollback: a release is named by version, id, or the first digits of commit or sha256', async (t) => {
  const lab = await moveLab(t, ...STABLE);
  const { hashes, custom } = lab.metadata('2.env-stable.json').signed.targets['stable/current'];
  const { commit } = custom;
  const names = ['0.1.0', custom.release, hashes.sha256.slice(0, 8).toUpperCase()];
  for (const name of [...names, commit.slice(0, 7)]) {
    const back = await lab.moved(['rollback', 'stable', name, '--yes']);
    assert.equal(back.current?.sha256, hashes.sha256, name);
    const again = await lab.moved(['rollback', 'stable', name, '--yes']);
    assert.equal(again.outcome, 'unchanged', name);
    const forward = await lab.moved(['rollback', 'stable', '0.1.2', '--yes']);
    assert.equal(forward.current?.version, '0.1.2', name);
  }
  for (const name of ['9.9.9', hashes.sha256.slice(0, 7), commit.slice(0, 6), '']) {
    assert.equal((await lab.refused(['rollback', 'stable', name, '--yes'])).code, 'USAGE', name);
  }
});

test('rollback: a label that two releases have is refused', async (t) => {
  const lab = await moveLab(t);
  for (const content of RELEASES.slice(0, 2)) {
    await lab.publish('stable', content, '--version', '1.0.0', '--reason', 'the same label');
  }
  await lab.publish('stable', RELEASES[2] ?? '');
  const error = await lab.refused(['rollback', 'stable', '1.0.0', '--yes']);
  assert.deepEqual([error.code, error.next], ['USAGE', 'mm rollback stable SHA256']);
  // One commit can be published twice, and its tarballs differ by their version.
  const commit = await lab.git('rev-parse', 'HEAD');
  await lab.moved(['rollback', 'stable', commit.slice(0, 10), '--yes']);
  const force = ['publish', 'stable', '--no-validate', '--version', '3.0.0', '--force'];
  assert.equal((await lab.mm(force)).exitCode, 0);
  const { code, message } = await lab.refused(['rollback', 'stable', commit, '--yes']);
  assert.equal(code, 'USAGE');
  assert.match(message, /more than one release .*: 3\.0\.0 \(.*; 1\.0\.1 \(/);
});

test('rollback: a release of a publication that lost a race was never in use, and is not chosen', async (t) => {
  const lab = await moveLab(t, ...STABLE.slice(0, 1));
  await lab.commit('manifests/site.pp', RELEASES[1] ?? '');
  const match = { method: 'PUT', key: TIMESTAMP };
  lab.server.faults.add({ kind: 'status', status: 403, code: 'AccessDenied', match });
  const killed = await lab.refused(['publish', 'stable', '--no-validate']);
  assert.equal(killed.code, 'S3_ACCESS_DENIED');
  lab.server.faults.clear();
  assert.ok(lab.files().includes('3.env-stable.json'), 'the orphan is there');
  await lab.publish('stable', RELEASES[2] ?? '');
  assert.ok(lab.files().includes('4.env-stable.json'));
  const orphan = lab.metadata('3.env-stable.json').signed.targets['stable/current'];
  const chosen = lab.metadata('2.env-stable.json').signed.targets['stable/current'];
  const bad = await lab.refused(['rollback', 'stable', orphan.hashes.sha256, '--yes']);
  assert.equal(bad.code, 'USAGE');
  const back = await lab.moved(['rollback', 'stable', '--yes']);
  assert.equal(back.current?.sha256, chosen.hashes.sha256);
});

test('rollback: files that no key signed are no earlier releases', async (t) => {
  const lab = await moveLab(t, ...STABLE);
  const key = 'ubuntu/manifests/metadata/3.env-stable.json';
  lab.server.put(BUCKET, key, String(lab.server.get(BUCKET, key)).replaceAll('0.1.1', '6.6.6'));
  const back = await lab.moved(['rollback', 'stable', '--yes']);
  assert.equal(back.current?.version, '0.1.0');
  assert.equal((await lab.refused(['rollback', 'stable', '6.6.6', '--yes'])).code, 'USAGE');
});

test('rollback: a writer of the bucket who removes the file before is noticed', async (t) => {
  const lab = await moveLab(t, ...STABLE);
  const no = person('n');
  const honest = await lab.mm(['rollback', 'stable'], no);
  assert.doesNotMatch(honest.stderr, /env-stable\.json/);
  lab.server.delete(BUCKET, 'ubuntu/manifests/metadata/3.env-stable.json');
  const { exitCode, stderr } = await lab.mm(['rollback', 'stable'], no);
  assert.deepEqual([exitCode, no.asked.at(-1)], [honest.exitCode, 'go back to 0.1.0? [y/N] ']);
  assert.match(stderr, /3\.env-stable\.json/);
  assert.doesNotMatch(
    (await lab.mm(['rollback', 'stable', '0.1.0'], no)).stderr,
    /env-stable\.json/,
  );
});

test('rollback: a writer of the bucket who puts the file of another role there is noticed', async (t) => {
  const lab = await moveLab(t, ...STABLE);
  for (const content of RELEASES) await lab.publish('testing', content);
  const fileOf = (name: string) => `ubuntu/manifests/metadata/${name}.json`;
  // The same person signs both roles, and a file does not contain the name of its role.
  const other = lab.server.get(BUCKET, fileOf('3.env-testing')) ?? '';
  lab.server.put(BUCKET, fileOf('3.env-stable'), other);
  const { stderr } = await lab.mm(['rollback', 'stable'], person('n'));
  assert.match(stderr, /3\.env-stable\.json is not in the bucket/);
});

test('rollback: repeated after its answer was lost, it goes back once', async (t) => {
  const lab = await moveLab(t, ...STABLE);
  const match = { method: 'PUT', key: TIMESTAMP };
  lab.server.faults.add({ kind: 'reset-after', match, times: 1 });
  const back = await lab.moved(['rollback', 'stable', '--yes']);
  assert.deepEqual([back.outcome, back.current?.version], ['committed', '0.1.1']);
});

test('rollback: a tarball that is missing is not signed for hosts again', async (t) => {
  const lab = await moveLab(t, ...STABLE);
  const { hashes } = lab.metadata('3.env-stable.json').signed.targets['stable/current'];
  lab.server.delete(BUCKET, `ubuntu/manifests/blobs/${hashes.sha256}.tar.gz`);
  assert.equal((await lab.refused(['rollback', 'stable', '--yes'])).code, 'RELEASE_INVALID');
  const back = await lab.moved(['rollback', 'stable', '0.1.0', '--yes']);
  assert.equal(back.current?.version, '0.1.0');
});
