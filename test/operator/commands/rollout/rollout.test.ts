import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogAnswer, RolloutStatusAnswer } from '../../../../operator/move-answers.ts';
import { rolloutShare } from '../../../../trust/selection.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET } from '../../operator-lab.ts';
import { type MoveLab, moveLab, person } from '../move/move-lab.ts';

const HOUR = 3_600_000;
const HOSTS = Array.from({ length: 40 }, (_, index) => `host${index}.example.com`);
const ROLLOUT = ['rollout', 'stable', '--yes', '--no-validate'];

/** stable has 0.1.0, and main has a newer commit. */
async function rolloutLab(t: Parameters<typeof moveLab>[0]): Promise<MoveLab> {
  const lab = await moveLab(t, ['stable', 'node default { }']);
  await lab.commit('manifests/site.pp', 'node default { notify { "new": } }\n');
  return lab;
}

/** The newest targets of stable. */
function offered(lab: MoveLab) {
  const versions = lab.files().flatMap((file) => /^(\d+)\.env-stable\.json$/.exec(file)?.[1] ?? []);
  const newest = Math.max(...versions.map(Number));
  const { targets } = lab.metadata(`${newest}.env-stable.json`).signed;
  return { current: targets['stable/current'], next: targets['stable/next'] };
}

/** Every host that the rollout selects reports that it ran the release. */
function report(lab: MoveLab, failing: readonly string[] = []): string[] {
  const { current, next } = offered(lab);
  const selected = HOSTS.filter(
    (host) => rolloutShare(next.custom.rollout.salt, host) < next.custom.rollout.bp,
  );
  for (const certname of HOSTS) {
    const { hashes, custom } = selected.includes(certname) ? next : current;
    const release = { ...sampleStatus.release!, sha256: hashes.sha256, version: custom.version };
    const run = failing.includes(certname) ? { ...sampleRun, status: 'failed' } : sampleRun;
    const times = { ...sampleStatus.times, nextExpectedAt: new Date(Date.now() + HOUR) };
    const groups = certname === HOSTS[0] ? ['canary'] : [];
    const document = { ...sampleStatus, certname, groups, release, run, times };
    lab.server.put(BUCKET, `ubuntu/status/hosts/${certname}.json`, JSON.stringify(document));
  }
  return selected;
}

async function statusOf(lab: MoveLab): Promise<RolloutStatusAnswer> {
  const { json } = await lab.mm(['rollout', 'status', 'stable', '--json']);
  const copied = await lab.mm(['rollout', 'status', 'stable', '--fleet', '--json']);
  assert.deepEqual(copied.json, json);
  return RolloutStatusAnswer.parse(json);
}

test('rollout: publishes the git ref for a share of the hosts, and widens until all have it', async (t) => {
  const lab = await rolloutLab(t);
  const asked = person('y');
  const args = ['rollout', 'stable', '--percent', '25', '--no-validate'];
  const begun = await lab.moved(args, asked);
  assert.deepEqual(asked.asked, ['roll out 0.1.1? [y/N] ']);
  assert.deepEqual([begun.current?.version, begun.next?.version], ['0.1.0', '0.1.1']);
  assert.equal(begun.objects.filter((key) => key.endsWith('.tar.gz')).length, 1);
  const first = report(lab);
  assert.ok(first.length > 0 && first.length < HOSTS.length, `${first.length} hosts`);
  // A commit that came after the beginning changes nothing: the same release goes on.
  await lab.commit('manifests/site.pp', '# later\n');
  const wider = await lab.moved([...ROLLOUT, '--percent', '60%', '--group', 'canary']);
  assert.deepEqual(
    wider.objects.filter((key) => key.endsWith('.tar.gz')),
    [],
  );
  assert.equal(wider.next?.sha256, begun.next?.sha256);
  const second = report(lab);
  assert.ok(
    first.every((host) => second.includes(host)),
    'who has it keeps it',
  );
  assert.deepEqual(offered(lab).next.custom.rollout.groups, ['canary']);
  const all = await lab.moved([...ROLLOUT, '--percent', '100']);
  assert.deepEqual([all.current?.sha256, all.next], [begun.next?.sha256, null]);
  const host = await lab.host('web1');
  const selection = await lab.selected(host);
  assert.ok(selection.kind === 'run' && selection.slot === 'current');
});

test('rollout: other hosts are first at the next release', async (t) => {
  const lab = await rolloutLab(t);
  await lab.moved([...ROLLOUT, '--percent', '25']);
  const first = report(lab);
  const halt = ['rollout', 'halt', 'stable', '--reason', 'bad'];
  await lab.moved(halt);
  const again = await lab.mm(halt);
  assert.match(
    again.stderr,
    /no rollout is under way.* mm rollback stable/,
    'a halt changed nothing',
  );
  await lab.commit('manifests/site.pp', '# repaired\n');
  await lab.moved([...ROLLOUT, '--percent', '25']);
  assert.notDeepEqual(report(lab), first);
});

test('rollout --group: a group that no host has is a doubt, and an unknown one is said', async (t) => {
  const lab = await rolloutLab(t);
  const start = [...ROLLOUT, '--group'];
  const unsure = await lab.mm([...start, 'canray', '--noop']);
  assert.match(
    unsure.stderr,
    /whether hosts have the group canray is not known: no host of stable/,
  );
  const put = (certname: string, more: object) =>
    lab.server.put(
      BUCKET,
      `ubuntu/status/hosts/${certname}.json`,
      JSON.stringify({ ...sampleStatus, certname, ...more }),
    );
  put('web1', { groups: ['canary', 'eu'] });
  put('other', { environment: 'testing', groups: ['canray'] });
  const files = lab.files();
  const { code, message, next } = await lab.refused([...start, 'canray']);
  assert.deepEqual([code, next], ['NOT_CONFIRMED', 'the same command with --new-group']);
  assert.match(message, /canray \(did you mean canary\?\); they have canary, eu/);
  const no = person('n');
  assert.equal(
    (await lab.refused([...start, 'eu', '--group', 'canray'], no)).code,
    'NOT_CONFIRMED',
  );
  assert.deepEqual(lab.files(), files, 'nothing was signed');
  const known = await lab.moved([...start, 'eu', '--group', 'canary']);
  assert.deepEqual(known.outcome, 'committed');
  const agreed = await lab.moved([...start, 'new', '--new-group']);
  assert.deepEqual(offered(lab).next.custom.rollout.groups, ['new'], agreed.outcome);
  const match = { method: 'GET', query: /list-type/ };
  lab.server.faults.add({ kind: 'status', status: 403, code: 'AccessDenied', match });
  const denied = await lab.mm([...start, 'canray', '--noop']);
  assert.match(denied.stderr, /not known: these credentials may not read the statuses/);
});

test('rollout --from: the release of another environment, without an upload', async (t) => {
  const lab = await rolloutLab(t);
  await lab.publish('testing', 'node default { notify { "t": } }');
  const begun = await lab.moved([...ROLLOUT, '--from', 'testing', '--group', 'canary', '--older']);
  assert.deepEqual(
    begun.objects.filter((key) => key.endsWith('.tar.gz')),
    [],
  );
  const { next } = offered(lab);
  assert.equal(next.hashes.sha256, begun.next?.sha256);
  assert.deepEqual([next.custom.rollout.bp, next.custom.rollout.groups], [0, ['canary']]);
});

test('rollout step: goes on when the time has come, and not before', async (t) => {
  const lab = await rolloutLab(t);
  await lab.moved([...ROLLOUT, '--schedule', '25% 1h, 50% 4h, 100%', '--halt-at', '2%']);
  const step = async (hours: number) => {
    const answer = await lab.moved(['rollout', 'step', 'stable'], {
      now: () => Date.now() + hours * HOUR,
    });
    return [answer.outcome, offered(lab).next?.custom.rollout.bp];
  };
  assert.deepEqual(await step(0.5), ['unchanged', 2500], 'not due');
  lab.server.put(BUCKET, 'ubuntu/status/hosts/nobody.json', 'not a status');
  report(lab);
  assert.deepEqual(await step(0.5), ['unchanged', 2500], 'not due, and hosts have run it');
  assert.deepEqual(await step(1.1), ['committed', 5000]);
  report(lab);
  assert.deepEqual(await step(1.2), ['unchanged', 5000]);
  assert.deepEqual(await step(5.2), ['committed', undefined]);
  assert.equal(offered(lab).current.custom.version, '0.1.1');
  assert.deepEqual(await step(9), ['unchanged', undefined], 'nothing is under way');
});

test('rollout step: waits while no host has run it, and during a hold', async (t) => {
  const lab = await rolloutLab(t);
  await lab.moved([...ROLLOUT, '--percent', '100']);
  await lab.commit('manifests/site.pp', '# another\n');
  await lab.moved([...ROLLOUT, '--schedule', '50% 1h, 100%']);
  const later = { now: () => Date.now() + 2 * HOUR };
  const bp = () => offered(lab).next?.custom.rollout.bp;
  const { hashes } = offered(lab).current;
  for (const certname of HOSTS) {
    const release = { ...sampleStatus.release!, sha256: hashes.sha256 };
    const document = { ...sampleStatus, certname, release };
    lab.server.put(BUCKET, `ubuntu/status/hosts/${certname}.json`, JSON.stringify(document));
  }
  assert.equal((await lab.moved(['rollout', 'step', 'stable'], later)).outcome, 'unchanged');
  report(lab);
  await lab.moved(['hold', 'stable', '--reason', 'it is Friday']);
  assert.equal((await lab.moved(['rollout', 'step', 'stable'], later)).outcome, 'unchanged');
  assert.equal(bp(), 5000);
  await lab.moved(['resume', 'stable']);
  assert.equal((await lab.moved(['rollout', 'step', 'stable'], later)).outcome, 'committed');
});

test('rollout --halt-at: too many failing hosts end it, and all point back', async (t) => {
  const lab = await rolloutLab(t);
  await lab.moved([...ROLLOUT, '--schedule', '50% 1h, 100%', '--halt-at', '20%']);
  const [one = '', ...others] = report(lab);
  report(lab, [one]);
  const few = await lab.mm(['rollout', 'step', 'stable']);
  assert.equal(few.exitCode, 0, few.stderr);
  assert.notEqual(offered(lab).next, undefined, 'one of many is below 20 %');
  const failing = [one, ...others.slice(0, Math.ceil(others.length / 2))];
  report(lab, failing);
  lab.server.put(BUCKET, 'ubuntu/status/hosts/nobody.json', 'not a status');
  const status = await statusOf(lab);
  assert.deepEqual(
    status.failing.map(({ certname }) => certname),
    failing.toSorted(),
  );
  assert.match(status.failing[0]?.why ?? '', /^failed/);
  assert.equal(status.counts.done, others.length + 1 - failing.length);
  assert.equal(status.counts.outside, HOSTS.length - others.length - 1);
  lab.server.requests.length = 0;
  const halted = await lab.mm(['rollout', 'step', 'stable', '--fleet', '--json']);
  const statuses = lab.server.requests.filter(({ key }) => key.includes('/status/hosts/'));
  assert.equal(statuses.length, 0, 'the copy has them');
  assert.equal(halted.exitCode, 1, 'a job sees it');
  const { current, next } = offered(lab);
  assert.deepEqual([current.custom.version, next], ['0.1.0', undefined]);
  const { json } = await lab.mm(['log', 'stable', '--json', '--limit', '1']);
  const [entry] = LogAnswer.parse(json).entries;
  assert.deepEqual([entry?.action, entry?.reason.includes('fail')], ['halt', true]);
});

test('rollback during a rollout ends it, and the next one goes further back', async (t) => {
  const lab = await rolloutLab(t);
  await lab.moved([...ROLLOUT, '--percent', '100']);
  await lab.commit('manifests/site.pp', '# another\n');
  await lab.moved([...ROLLOUT, '--percent', '5']);
  const ended = await lab.moved(['rollback', 'stable', '--yes']);
  assert.deepEqual([ended.current?.version, ended.next], ['0.1.1', null]);
  // Repeated by a job, it would be a second step.
  assert.equal((await lab.refused(['rollback', 'stable', '--yes'])).code, 'NOT_CONFIRMED');
  const back = await lab.moved(['rollback', 'stable', '--yes'], person('y'));
  assert.equal(back.current?.version, '0.1.0');
});

test('publish and promote during a rollout ask, and end it', async (t) => {
  const lab = await rolloutLab(t);
  await lab.publish('testing', 'node default { notify { "t": } }');
  await lab.moved([...ROLLOUT, '--percent', '5']);
  const promote = ['promote', 'testing', 'stable', '--yes', '--older'];
  for (const args of [['publish', 'stable', '--no-validate', '--older'], promote]) {
    const error = await lab.refused(args);
    assert.deepEqual(
      [error.code, error.next],
      ['NOT_CONFIRMED', 'the same command with --end-rollout'],
    );
    assert.notEqual(offered(lab).next, undefined);
  }
  assert.equal((await lab.moved([...promote, '--end-rollout'])).next, null);
  assert.equal(offered(lab).next, undefined);
});

const wrong = {
  'without hosts': { args: [], code: 'USAGE' },
  'with only what ends it': { args: ['--halt-at', '2%', '--yes'], code: 'USAGE' },
  'with two kinds of shares': {
    args: ['--percent', '5', '--schedule', '5% 1h, 100%'],
    code: 'USAGE',
  },
  'with no percentage': { args: ['--percent', 'half'], code: 'USAGE' },
  'without a yes': { args: ['--percent', '5', '--no-validate'], code: 'NOT_CONFIRMED' },
};

test('rollout: wrong input is refused, and writes nothing', async (t) => {
  const lab = await rolloutLab(t);
  const files = lab.files();
  for (const [name, { args, code }] of Object.entries(wrong)) {
    assert.equal((await lab.refused(['rollout', 'stable', ...args])).code, code, name);
  }
  const first = await lab.refused([
    'rollout',
    'testing',
    '--percent',
    '5',
    '--yes',
    '--no-validate',
  ]);
  assert.deepEqual([first.code, first.next?.slice(0, 18)], ['USAGE', 'mm publish testing']);
  assert.deepEqual(lab.files(), files);
});
