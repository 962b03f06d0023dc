import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  FAILING,
  FAILING_RESOURCE,
  type MadeStatus,
  madeStatus,
} from '../../../../bench/fleet/statuses.ts';
import {
  FleetProblemsAnswer,
  FleetStatusAnswer,
  FleetSyncAnswer,
} from '../../../../operator/commands/fleet/fleet-answers.ts';
import { StatusListAnswer } from '../../../../operator/status-answer.ts';
import { IS_SOAK } from '../../../support/soak.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized, type OperatorLab } from '../../operator-lab.ts';

/** `npm run bench -- fleet` has 100,000: its server is another process. */
const HOSTS = IS_SOAK ? 10_000 : 1500;
const CHANGING = 10;

/** What else is below `status/hosts/`: each is counted, named and skipped. */
const ODD: Readonly<Record<string, readonly [kind: string, body: string]>> = {
  'broken.json': ['invalid', '{"schemaVersion": 1,'],
  'deep.json': ['invalid', `${'['.repeat(5000)}${']'.repeat(5000)}`],
  'huge.json': ['too-large', ' '.repeat(300_000)],
  'newer.json': ['newer', JSON.stringify({ ...sampleStatus, certname: 'newer', schemaVersion: 2 })],
  'other.json': ['invalid', JSON.stringify({ ...sampleStatus, certname: 'web1' })],
  'README.txt': ['foreign', 'hello'],
  'a/b.json': ['foreign', JSON.stringify({ ...sampleStatus, certname: 'b' })],
};

function report(lab: OperatorLab, hosts: readonly MadeStatus[]): void {
  for (const { certname, status, receivedAt } of hosts) {
    lab.server.dateOffsetMs = receivedAt - Date.now();
    const key = `ubuntu/status/hosts/${certname}.json`;
    lab.server.put(BUCKET, key, `${JSON.stringify(status)}\n`);
  }
  lab.server.dateOffsetMs = 0;
}

test('fleet: a large fleet is copied twice, asked ten questions, and drawn', async (t) => {
  const lab = await initialized(t);
  const now = Date.now();
  const made = Array.from({ length: HOSTS }, (_, number) => madeStatus(number, 0, now));
  report(lab, made);
  const odd = Object.entries(ODD);
  for (const [file, [, body]] of odd) {
    lab.server.put(BUCKET, `ubuntu/status/hosts/${file}`, body);
  }
  const asked = async (...args: string[]) => {
    const { json, stderr } = await lab.mm(['fleet', ...args, '--json'], { now: () => now });
    assert.equal(json.error, undefined, stderr);
    return json;
  };
  const listed = async (...args: string[]) =>
    StatusListAnswer.parse(await asked('hosts', ...args)).hosts.map(({ certname }) => certname);
  const names = (isIn: (host: MadeStatus) => boolean) =>
    made
      .filter(isIn)
      .map(({ certname }) => certname)
      .sort();

  const first = FleetSyncAnswer.parse(await asked('sync'));
  assert.deepEqual([first.hosts, first.unreadable], [HOSTS + odd.length, odd.length]);
  const changed = Array.from({ length: HOSTS / CHANGING }, (_, at) =>
    madeStatus(at * CHANGING, 1, now),
  );
  report(lab, changed);
  const second = FleetSyncAnswer.parse(await asked('sync'));
  // A newer status is read again: this mm may have been updated.
  assert.deepEqual([second.fetched, second.gone], [changed.length + 1, 0]);

  const failed = ({ status: { run } }: MadeStatus) =>
    ['failed', 'not-compiled'].includes(run?.status ?? '');
  const isFrom = (version: string) => (host: MadeStatus) =>
    host.status.release?.version === version;
  const status = FleetStatusAnswer.parse(await asked('status'));
  const runs = Object.groupBy(made, (host) => host.status.run?.status ?? 'none');
  for (const [run, hosts = []] of Object.entries(runs)) {
    assert.equal(status.summary.runs[run], hosts.length, run);
  }
  for (const { name, hosts } of status.releases) {
    assert.equal(hosts, made.filter(isFrom(name)).length, name);
  }
  const unreadable = status.summary.unreadable.first;
  assert.deepEqual(
    unreadable.map(({ certname, kind }) => [certname, kind]).sort(),
    odd.map(([file, [kind]]) => [file.replace(/\.json$/, ''), kind]).sort(),
  );
  const testing = (host: MadeStatus) => host.status.environment === 'testing';
  const one = FleetStatusAnswer.parse(await asked('status', '--where', 'environment=testing'));
  assert.equal(one.summary.matching, made.filter(testing).length);
  assert.deepEqual(await listed('--failed'), names(failed));
  const day = 86_400_000;
  const silent = ({ receivedAt }: MadeStatus) => now - receivedAt > 2 * day;
  assert.deepEqual(await listed('--older-than', '2d', '--where', 'kernel=Linux'), names(silent));
  const noble = ({ status: { facts } }: MadeStatus) => facts['os.release.full'] === '24.04';
  assert.deepEqual(
    await listed('--where', 'os.release.full=24.04', '--failed'),
    names((host) => noble(host) && failed(host)),
  );
  assert.deepEqual(
    await listed('--where', 'release.version=1.5.0', '--where', 'role=web'),
    names((host) => isFrom('1.5.0')(host) && host.status.facts['role'] === 'web'),
  );
  const failsThere = ({ status: { run } }: MadeStatus) =>
    run?.failedResources[0]?.resource === FAILING_RESOURCE;
  assert.deepEqual(
    await listed('--where', `run.failedResources.resource=${FAILING_RESOURCE}`),
    names(failsThere),
  );
  const { certname = '' } = made[FAILING] ?? {};
  assert.equal((await asked('host', certname)).certname, certname);
  const why = await asked('why', certname, FAILING_RESOURCE);
  assert.equal(why.hostsFailing, made.filter(failsThere).length);
  const { summary } = FleetProblemsAnswer.parse(await asked('problems'));
  assert.equal(
    summary.kinds.agent,
    made.filter((host) => host.status.versions.agent === '0.0.9').length,
  );
  assert.equal(summary.kinds.unreadable, odd.length);

  const drawn = await asked('report');
  assert.equal(drawn.hosts, HOSTS + odd.length);
  assert.ok(statSync(join(lab.repository, 'fleet.html')).size > 10_000);
});
