import assert from 'node:assert/strict';
import { test } from 'node:test';
import { moveLab, person } from './move-lab.ts';

const CONTENT = 'node default { notify { "a": } }';

test('hold, stop, resume: hosts see it at the next poll, with the reason, and take nothing meanwhile', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  const host = await lab.host('web1');
  assert.equal((await lab.selected(host)).kind, 'run');

  const held = await lab.moved(['hold', 'stable', '--reason', 'it is Friday']);
  assert.deepEqual([held.current?.hold, held.current?.stop], [true, false]);
  const hold = await lab.selected(host);
  assert.ok(hold.kind === 'hold' && hold.why === 'held');
  assert.equal(hold.holding?.custom.pause?.reason, 'it is Friday');
  assert.equal(hold.holding.custom.pause.by, 'Ann Lee@laptop');

  const listed = await lab.mm(['releases', 'stable']);
  assert.match(listed.stdout, /on hold: it is Friday/);

  const stopped = await lab.moved(['stop', 'stable', '--reason', 'it deletes data']);
  assert.deepEqual([stopped.current?.hold, stopped.current?.stop], [true, true]);
  const stop = await lab.selected(host);
  assert.ok(stop.kind === 'stop');
  assert.equal(stop.release.custom.pause?.reason, 'it deletes data');

  assert.equal((await lab.moved(['hold', 'stable', '--reason', 'Friday'])).outcome, 'unchanged');

  const resumed = await lab.moved(['resume', 'stable', '--reason', 'Monday']);
  assert.deepEqual([resumed.current?.hold, resumed.current?.stop], [false, false]);
  const run = await lab.selected(host);
  assert.ok(run.kind === 'run');
  assert.equal(run.release.custom.pause, undefined);
  assert.equal(run.release.sha256, held.current?.sha256, 'no command changed the release');
});

test('hold, stop, resume: what is so already changes nothing', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  const twice = [
    ['hold', 'stable', '--reason', 'why'],
    ['stop', 'stable', '--reason', 'why'],
    ['resume', 'stable'],
  ];
  for (const args of twice) {
    assert.equal((await lab.moved(args)).outcome, 'committed', args.join(' '));
    const files = lab.files();
    assert.equal((await lab.moved(args)).outcome, 'unchanged', args.join(' '));
    assert.deepEqual(lab.files(), files);
  }
  await lab.moved(twice[0] ?? []);
  const { stdout } = await lab.mm(twice[0] ?? []);
  assert.match(stdout, /nothing to do: .* on hold: hosts take no release; why \(Ann Lee@laptop\)/);
});

test('hold: a stop stays, with its reason', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  await lab.moved(['stop', 'stable', '--reason', 'it deletes data']);
  const { outcome, current, changes } = await lab.moved(['hold', 'stable', '--reason', 'Friday']);
  assert.deepEqual([outcome, current?.hold, current?.stop], ['committed', true, true]);
  assert.match(changes.join(), /still stopped/);
  const target = lab.metadata('4.env-stable.json').signed.targets['stable/current'];
  assert.equal(target.custom.pause.reason, 'it deletes data');
});

test('hold: a new reason is a new statement', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  await lab.moved(['hold', 'stable', '--reason', 'one']);
  const { outcome, changes } = await lab.moved(['hold', 'stable', '--reason', 'two']);
  assert.equal(outcome, 'committed');
  assert.match(changes.join('\n'), /reason: two\nit was on hold: .*; one \(Ann Lee@laptop\)$/);
  const target = lab.metadata('4.env-stable.json').signed.targets['stable/current'];
  assert.equal(target.custom.pause.reason, 'two');
});

const refused = {
  'hold without a reason': { args: ['hold', 'stable'], exitCode: 2 },
  'stop without a reason': { args: ['stop', 'stable'], exitCode: 2 },
  'hold with an empty reason': { args: ['hold', 'stable', '--reason', ' '], exitCode: 2 },
  'hold of an unknown environment': { args: ['hold', 'prod', '--reason', 'x'], exitCode: 1 },
  'stop of an environment without a release': {
    args: ['stop', 'testing', '--reason', 'x'],
    exitCode: 2,
  },
  'resume of an environment without a release': { args: ['resume', 'testing'], exitCode: 2 },
};

test('hold, stop, resume: wrong input is refused', async (t) => {
  const lab = await moveLab(t);
  for (const [name, { args, exitCode }] of Object.entries(refused)) {
    const done = await lab.mm(args);
    assert.deepEqual([done.exitCode, done.stdout], [exitCode, ''], name);
  }
});

const PUBLISHED = [
  ['testing', 'node default { notify { "t": } }'],
  ['stable', 'node default { }'],
  ['stable', 'node default { notify { "b": } }'],
] as const;

/** Each needs a release of stable before the one that is current. */
const during = {
  publish: ['publish', 'stable', '--no-validate'],
  promote: ['promote', 'testing', 'stable', '--yes', '--older'],
  rollback: ['rollback', 'stable', '--yes'],
} as const;

for (const [name, args] of Object.entries(during)) {
  for (const action of ['hold', 'stop']) {
    test(`${name} during a ${action} asks, and keeps the ${action}`, async (t) => {
      const lab = await moveLab(t, ...PUBLISHED);
      await lab.commit('manifests/site.pp', CONTENT);
      await lab.moved([action, 'stable', '--reason', 'it is Friday']);
      const files = lab.files();
      const error = await lab.refused(args);
      assert.equal(error.code, 'NOT_CONFIRMED');
      assert.equal(error.next, 'the same command with --despite-hold');
      assert.match(error.message, /it is Friday/);
      assert.equal((await lab.refused(args, person('n'))).code, 'NOT_CONFIRMED');
      assert.deepEqual(
        lab.files().filter((file) => !files.includes(file)),
        [],
      );
      const asked = person('y');
      const agreed = await lab.mm([...args], asked);
      assert.deepEqual([agreed.exitCode, asked.asked.length], [0, 1], agreed.stderr);
      const [newest] = lab
        .files()
        .filter((file) => file.endsWith('.env-stable.json'))
        .sort((a, b) => Number.parseInt(b, 10) - Number.parseInt(a, 10));
      const { custom } = lab.metadata(newest ?? '').signed.targets['stable/current'];
      assert.equal(custom[action], true);
      assert.equal(custom.pause.reason, 'it is Friday');
    });
  }
}

test('hold: the bucket is read once before the commit and once after it', async (t) => {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  lab.server.requests.length = 0;
  assert.equal((await lab.mm(['hold', 'stable', '--reason', 'r'])).exitCode, 0);
  const read = lab.server.requests.filter(({ method }) => method === 'GET');
  const files = read.map(({ key = '' }) => key.split('/').at(-1) ?? '');
  assert.equal(files.filter((file) => file === 'timestamp.json').length, 2);
  assert.ok(lab.server.requests.length <= 15, files.join(' '));
});
