import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { launcherOptions } from '../../../../bench/fleet/desk.ts';
import { openFleetLab } from '../../../../bench/fleet/fleet-lab.ts';
import { PLACE } from '../../../../bench/fleet/server.ts';
import {
  FAILING,
  FAILING_RESOURCE,
  type MadeStatus,
  madeStatus,
} from '../../../../bench/fleet/statuses.ts';
import {
  FleetProblemsAnswer,
  FleetReportAnswer,
  FleetSnapshotAnswer,
  FleetStatusAnswer,
  FleetSyncAnswer,
} from '../../../../operator/commands/fleet/fleet-answers.ts';
import { StatusListAnswer } from '../../../../operator/status-answer.ts';
import { builtProgram } from '../../../support/built-program.ts';
import { PROJECT } from '../../../support/project-files.ts';
import { IS_SOAK } from '../../../support/soak.ts';
import { sampleStatus } from '../../../support/status-sample.ts';

const HOSTS = IS_SOAK ? 100_000 : 1500;
const CHANGING = 10;
/** Resident. A snapshot has the report, three tables and all statuses, one after the other. */
const MAX_MB = { snapshot: 400, other: 250 } as const;

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
const TOO_LARGE = 1;
const FOREIGN = 2;

const runFile = promisify(execFile);

test('fleet: a large fleet is copied twice, asked ten questions, drawn, and shared', async (t) => {
  const lab = await openFleetLab(HOSTS);
  t.after(() => lab[Symbol.asyncDispose]());
  const { now } = lab;
  const made = Array.from({ length: HOSTS }, (_, number) => madeStatus(number, 0, now));
  const odd = Object.entries(ODD);
  const objects = odd.map(([file, [, body]]) => [`${PLACE.tree}/status/hosts/${file}`, body]);
  await lab.tell({ objects: Object.fromEntries(objects) });

  const [node = '', ...program] = await builtProgram('mm');
  const usage = join(lab.folder, 'usage.json');
  const options = [
    ...(await launcherOptions()),
    '--import',
    join(PROJECT, 'bench/fleet/usage.mjs'),
  ];
  const env = { ...lab.environment, MM_BENCH_USAGE: usage };
  const askedIn = async (cwd: string, ...args: string[]) => {
    const words = [...options, ...program, 'fleet', ...args, '--json'];
    const { stdout } = await runFile(node, words, { cwd, env, maxBuffer: 2 ** 28 });
    const { peakMb } = JSON.parse(await readFile(usage, 'utf8'));
    const limit = args[0] === 'snapshot' ? MAX_MB.snapshot : MAX_MB.other;
    assert.ok(peakMb <= limit, `mm fleet ${args.join(' ')}: ${peakMb} MB`);
    return JSON.parse(stdout);
  };
  const asked = (...args: string[]) => askedIn(lab.folder, ...args);
  const listed = async (...args: string[]) =>
    StatusListAnswer.parse(await asked('hosts', ...args)).hosts.map(({ certname }) => certname);
  const names = (isIn: (host: MadeStatus) => boolean) =>
    made
      .filter(isIn)
      .map(({ certname }) => certname)
      .sort();

  const first = FleetSyncAnswer.parse(await asked('sync'));
  assert.deepEqual([first.hosts, first.unreadable], [HOSTS + odd.length, odd.length]);
  const lists = Math.ceil(first.hosts / 1000);
  assert.equal(await lab.tell(), lists + first.hosts - TOO_LARGE - FOREIGN);
  await lab.tell({ round: 1, every: CHANGING });
  const second = FleetSyncAnswer.parse(await asked('sync'));
  // A newer status is read again: this mm may have been updated.
  assert.deepEqual([second.fetched, second.gone], [HOSTS / CHANGING + 1, 0]);
  assert.equal(await lab.tell(), lists + second.fetched);

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
  // Hosts have been silent for less than an hour, or for more than a day.
  const silent = ({ receivedAt }: MadeStatus) => now - receivedAt > 12 * 3_600_000;
  assert.deepEqual(await listed('--older-than', '12h', '--where', 'kernel=Linux'), names(silent));
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

  const drawn = FleetReportAnswer.parse(await asked('report'));
  assert.equal(drawn.hosts, HOSTS + odd.length);
  assert.ok(drawn.bytes > 10_000 && drawn.bytes < 3_000_000, `${drawn.bytes} bytes`);
  assert.equal(await lab.tell(), 0, 'the copy answers');

  const { objects: written } = FleetSnapshotAnswer.parse(await asked('snapshot'));
  // The earlier history is asked for, and looked for in a listing.
  assert.equal(await lab.tell(), 2 + written.length);
  const colleague = join(lab.folder, 'colleague');
  await mkdir(colleague);
  await copyFile(join(lab.folder, 'miyamoto.yaml'), join(colleague, 'miyamoto.yaml'));
  const copied = FleetSyncAnswer.parse(await askedIn(colleague, 'sync', '--snapshot'));
  assert.deepEqual([copied.hosts, await lab.tell()], [HOSTS + odd.length, 2]);
  const { summary: same } = FleetStatusAnswer.parse(await askedIn(colleague, 'status'));
  assert.deepEqual(same, status.summary);
});
