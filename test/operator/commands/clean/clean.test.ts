import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CleanAnswer } from '../../../../operator/clean-answer.ts';
import type { Context } from '../../../../operator/context.ts';
import { BUCKET } from '../../operator-lab.ts';
import { type MoveLab, moveLab, person } from '../move/move-lab.ts';

const DAY = 86_400_000;
const BLOBS = 'ubuntu/manifests/blobs/';

/** Runs commands on a certain day: mm and the store both have that clock. */
function calendar(lab: MoveLab) {
  const on = (day: number): Partial<Context> => {
    lab.server.dateOffsetMs = day * DAY;
    return { now: () => Date.now() + day * DAY };
  };
  return {
    on,
    /** Publishes another release of stable. Returns its sha256. */
    async publish(day: number, ...more: string[]): Promise<string> {
      await lab.commit('manifests/site.pp', `# ${day} ${more.join(' ')} ${Math.random()}\n`);
      const args = ['publish', 'stable', '--no-validate', '--json', ...more];
      const done = await lab.mm(args, on(day));
      assert.equal(done.exitCode, 0, done.stderr);
      return String(done.json.release.sha256);
    },
    async run(day: number, args: readonly string[]): Promise<void> {
      const done = await lab.mm(args, on(day));
      assert.equal(done.exitCode, 0, done.stderr);
    },
    async clean(day: number, ...more: string[]): Promise<CleanAnswer> {
      const done = await lab.mm(['clean', '--json', ...more], on(day));
      assert.equal(done.exitCode, 0, done.stderr);
      return CleanAnswer.parse(done.json);
    },
  };
}

const blobs = ({ server }: MoveLab): string[] =>
  server
    .keys(BUCKET)
    .filter((key) => key.startsWith(BLOBS))
    .map((key) => key.slice(BLOBS.length).replace('.tar.gz', ''))
    .sort();

test('clean: a tarball goes 90 days after a release named it last, and not before', async (t) => {
  const lab = await moveLab(t);
  const days = calendar(lab);
  const first = await days.publish(0);
  const second = await days.publish(50);
  const third = await days.publish(100);
  // The first one was current until day 50, the second one until day 100.
  assert.equal((await days.clean(139, '--yes')).outcome, 'unchanged');
  const noop = await days.clean(141, '--noop');
  assert.deepEqual([noop.outcome, noop.removed.map(({ sha256 }) => sha256)], ['noop', [first]]);
  assert.equal(blobs(lab).length, 3);
  const files = lab.files();
  const done = await days.clean(141, '--yes');
  assert.deepEqual([done.outcome, done.kept], ['removed', 2]);
  assert.deepEqual(blobs(lab), [second, third].sort());
  assert.deepEqual(lab.files(), files, 'no signed file is ever removed');
  await days.clean(189, '--yes');
  assert.deepEqual(blobs(lab), [second, third].sort());
  await days.clean(191, '--yes');
  assert.deepEqual(blobs(lab), [third]);
  await days.clean(1000, '--yes');
  assert.deepEqual(blobs(lab), [third], 'what is current stays forever');
});

test('clean: what a rollback or a promotion names again stays', async (t) => {
  const lab = await moveLab(t);
  const days = calendar(lab);
  const first = await days.publish(0);
  const second = await days.publish(1);
  await days.run(80, ['rollback', 'stable', '--yes']);
  assert.equal((await days.clean(160, '--yes')).outcome, 'unchanged');
  await days.clean(171, '--yes');
  assert.deepEqual(blobs(lab), [first]);
  assert.notEqual(first, second);
});

test('clean: both releases of a rollout are named, and the one of a halted rollout for 90 days', async (t) => {
  const lab = await moveLab(t);
  const days = calendar(lab);
  const first = await days.publish(0);
  await lab.commit('manifests/site.pp', '# next\n');
  await days.run(1, ['rollout', 'stable', '--percent', '5', '--yes', '--no-validate']);
  assert.equal((await days.clean(150, '--yes')).outcome, 'unchanged');
  await days.run(150, ['rollout', 'halt', 'stable']);
  assert.equal((await days.clean(239, '--yes')).outcome, 'unchanged');
  assert.equal((await days.clean(241, '--yes')).outcome, 'removed');
  assert.deepEqual(blobs(lab), [first]);
});

test('clean: a tarball that was just uploaded stays, though nothing names it yet', async (t) => {
  const lab = await moveLab(t);
  const days = calendar(lab);
  await days.publish(0);
  days.on(100);
  const uploaded = 'a'.repeat(64);
  lab.server.put(BUCKET, `${BLOBS}${uploaded}.tar.gz`, 'x');
  assert.equal((await days.clean(189, '--yes')).outcome, 'unchanged');
  assert.equal((await days.clean(191, '--yes')).outcome, 'removed');
  assert.ok(!blobs(lab).includes(uploaded));
});

test('clean: a publication that was killed does not hide what was in use before it', async (t) => {
  const lab = await moveLab(t);
  const days = calendar(lab);
  const first = await days.publish(0);
  await lab.commit('manifests/site.pp', '# killed\n');
  const match = { method: 'PUT', key: 'ubuntu/manifests/metadata/timestamp.json' };
  lab.server.faults.add({ kind: 'status', status: 403, code: 'AccessDenied', match });
  const killed = await lab.mm(['publish', 'stable', '--no-validate'], days.on(10));
  assert.equal(killed.exitCode, 1);
  lab.server.faults.clear();
  // The file that the killed one left has a higher version and is older than 90 days.
  await days.publish(120);
  await days.clean(130, '--yes');
  assert.ok(blobs(lab).includes(first), 'hosts had it until day 120');
  await days.clean(211, '--yes');
  assert.ok(!blobs(lab).includes(first));
});

test('clean: a file that cannot be read removes nothing', async (t) => {
  const lab = await moveLab(t);
  const days = calendar(lab);
  await days.publish(0);
  await days.publish(1);
  await days.publish(2);
  lab.server.put(BUCKET, 'ubuntu/manifests/metadata/3.env-stable.json', '{}');
  const before = blobs(lab);
  const error = await lab.refused(['clean', '--yes'], days.on(50));
  assert.equal(error.code, 'METADATA_INVALID');
  assert.deepEqual(blobs(lab), before);
});

test('clean: shows what goes and asks; only a yes removes anything', async (t) => {
  const lab = await moveLab(t);
  const days = calendar(lab);
  const first = await days.publish(0);
  await days.publish(1);
  const later = days.on(100);
  const alone = await lab.refused(['clean'], later);
  assert.deepEqual([alone.code, alone.next], ['NOT_CONFIRMED', 'the same command with --yes']);
  assert.equal((await lab.refused(['clean'], { ...later, ...person('n') })).code, 'NOT_CONFIRMED');
  assert.equal(blobs(lab).length, 2);
  const done = await lab.mm(['clean'], { ...later, ...person('y') });
  assert.equal(done.exitCode, 0, done.stderr);
  assert.ok(done.stderr.includes(first));
  assert.ok(!blobs(lab).includes(first));
});
