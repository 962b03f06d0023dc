import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { BUCKET, TREE_ID } from '../../operator-lab.ts';
import { moveLab, person } from './move-lab.ts';

const BLOBS = 'ubuntu/manifests/blobs/';

test('promote: the other environment gets the same tarball, without an upload', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  await lab.git('checkout', '--quiet', 'testing');
  await lab.git('merge', '--quiet', 'main');
  const commit = await lab.publish('testing', 'node default { notify { "a": } }');
  const host = await lab.host('web1');
  await lab.selected(host);
  const blobs = () => lab.server.keys(BUCKET).filter((key) => key.startsWith(BLOBS));
  const before = blobs();
  lab.server.requests.length = 0;
  const answer = await lab.moved(['promote', 'testing', 'stable', '--yes', '--reason', 'tested']);
  assert.equal(answer.outcome, 'committed');
  assert.deepEqual([answer.from, answer.current?.commit], ['testing', commit]);
  assert.deepEqual(blobs(), before);
  const puts = lab.server.requests.filter(({ method }) => method === 'PUT');
  assert.deepEqual(
    puts.map(({ key }) => key.split('/').at(-1)),
    ['3.env-stable.json', '4.snapshot.json', 'timestamp.json'],
  );
  const testing = lab.metadata('2.env-testing.json').signed.targets['testing/current'];
  const stable = lab.metadata('3.env-stable.json').signed.targets['stable/current'];
  assert.deepEqual([stable.hashes, stable.length], [testing.hashes, testing.length]);
  assert.deepEqual(
    [stable.custom.change.action, stable.custom.change.from, stable.custom.change.reason],
    ['promote', 'testing', 'tested'],
  );
  const selection = await lab.selected(host);
  assert.ok(selection.kind === 'run');
  assert.equal(selection.release.sha256, testing.hashes.sha256);
  const again = await lab.moved(['promote', 'testing', 'stable', '--yes']);
  assert.equal(again.outcome, 'unchanged');
});

test('promote: shows the plan and asks; only a yes changes anything', async (t) => {
  const lab = await moveLab(t, ['testing', 'node default { }']);
  const files = lab.files();
  for (const answer of ['', 'n', 'yess', 'stable']) {
    const error = await lab.refused(['promote', 'testing', 'stable'], person(answer));
    assert.equal(error.code, 'NOT_CONFIRMED', answer);
  }
  const alone = await lab.refused(['promote', 'testing', 'stable']);
  assert.deepEqual([alone.code, alone.next], ['NOT_CONFIRMED', 'the same command with --yes']);
  const noop = await lab.moved(['promote', 'testing', 'stable', '--noop']);
  assert.equal(noop.outcome, 'noop');
  assert.deepEqual(lab.files(), files);
  const yes = person('y');
  const done = await lab.mm(['promote', 'testing', 'stable'], yes);
  assert.equal(done.exitCode, 0, done.stderr);
  assert.deepEqual(yes.asked, ['promote 0.1.0 to stable? [y/N] ']);
  assert.match(done.stderr, /stable: nothing -> 0\.1\.0 \(commit \w{10}/);
});

test('promote: a key of the other environment is needed', async (t) => {
  const lab = await moveLab(t, ['testing', 'node default { }']);
  const files = lab.files();
  const keys = join(lab.directory, 'home/.config/miyamoto/keys', TREE_ID);
  await rename(keys, `${keys}-away`);
  const error = await lab.refused(['promote', 'testing', 'stable', '--yes']);
  assert.equal(error.code, 'KEY_MISSING');
  assert.deepEqual(lab.files(), files);
});

const wrong = {
  'from an environment without a release': {
    args: ['promote', 'testing', 'stable', '--yes'],
    code: 'USAGE',
    next: 'mm publish testing',
  },
  'from an unknown environment': {
    args: ['promote', 'prod', 'stable', '--yes'],
    code: 'ENVIRONMENT_UNKNOWN',
    next: 'the same command with an environment of this tree; or for a new environment: mm environment add prod',
  },
  'to an unknown environment': {
    args: ['promote', 'stable', 'prod', '--yes'],
    code: 'ENVIRONMENT_UNKNOWN',
    next: 'the same command with an environment of this tree; or for a new environment: mm environment add prod',
  },
  'to itself': {
    args: ['promote', 'stable', 'stable', '--yes'],
    code: 'USAGE',
    next: 'mm promote FROM TO, for example mm promote testing stable',
  },
} as const;

test('promote: what cannot be promoted is refused, and the next command is named', async (t) => {
  const lab = await moveLab(t);
  for (const [name, { args, code, next }] of Object.entries(wrong)) {
    const error = await lab.refused(args);
    assert.deepEqual([error.code, error.next], [code, next], name);
  }
});

test('promote: a tarball that is missing or was changed is not signed for other hosts', async (t) => {
  const lab = await moveLab(t, ['testing', 'node default { }']);
  const [key] = lab.server.keys(BUCKET).filter((each) => each.startsWith(BLOBS));
  assert.ok(key !== undefined);
  const bytes = Buffer.from(lab.server.get(BUCKET, key) ?? '');
  lab.server.put(BUCKET, key, Buffer.alloc(bytes.length));
  const args = ['promote', 'testing', 'stable', '--yes'];
  assert.equal((await lab.refused(args)).code, 'RELEASE_INVALID');
  lab.server.delete(BUCKET, key);
  assert.equal((await lab.refused(args)).code, 'RELEASE_INVALID');
  lab.server.put(BUCKET, key, bytes);
  assert.equal((await lab.moved(args)).outcome, 'committed');
});

test('promote: a release without the commit that hosts have now asks, and needs --older', async (t) => {
  const lab = await moveLab(t);
  await lab.publish('testing', 'node default { notify { "old": } }');
  await lab.publish('stable', 'node default { notify { "fix": } }');
  const args = ['promote', 'testing', 'stable', '--yes'];
  const error = await lab.refused(args);
  assert.deepEqual([error.code, error.next], ['NOT_CONFIRMED', 'the same command with --older']);
  assert.equal((await lab.moved([...args, '--older'])).outcome, 'committed');
});
