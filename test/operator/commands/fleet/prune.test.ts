import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { FleetPruneAnswer } from '../../../../operator/commands/fleet/fleet-answers.ts';
import type { OneColumn } from '../../../../operator/fleet/report/page/data/fleet.ts';
import { StatusListAnswer } from '../../../../operator/status-answer.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized, type OperatorLab, type Owner } from '../../operator-lab.ts';
import { fleetIn } from './fleet-page.ts';

const DAY_MS = 86_400_000;
const STATUS = (certname: string) => `ubuntu/status/hosts/${certname}.json`;
const FACTS = (certname: string) => `ubuntu/status/facts/${certname}.json`;
const ID = (digit: string) => `i-${digit.repeat(17)}`;

function ec2(id: string): object {
  return {
    ...sampleStatus.facts,
    'ec2_metadata.instance-id': id,
    'ec2_metadata.placement.availability-zone': 'eu-central-1a',
  };
}

/** `new` reported now, all others 100 days ago; `half` still sends facts, `facts` has no status. */
async function fleet(t: Owner): Promise<OperatorLab> {
  const lab = await initialized(t);
  putHosts(lab);
  const Placement = { AvailabilityZone: 'eu-central-1b' };
  const instance = (id: string, Name: string) => ({ InstanceId: id, State: { Name }, Placement });
  const Instances = [instance(ID('1'), 'running'), instance(ID('2'), 'terminated')];
  await lab.write('instances.json', JSON.stringify({ Reservations: [{ Instances }] }));
  await lab.write('elsewhere.json', JSON.stringify({ Reservations: [] }));
  return lab;
}

function putHosts(lab: OperatorLab): void {
  const put = (certname: string, facts: object = sampleStatus.facts) => {
    lab.server.put(BUCKET, STATUS(certname), JSON.stringify({ ...sampleStatus, certname, facts }));
    lab.server.put(BUCKET, FACTS(certname), '{}');
  };
  lab.server.dateOffsetMs = -100 * DAY_MS;
  for (const name of ['half', 'old']) put(name);
  put('running', ec2(ID('1')));
  put('terminated', ec2(ID('2')));
  put('forgotten', ec2(ID('3')));
  lab.server.put(BUCKET, FACTS('facts'), '{}');
  lab.server.put(BUCKET, STATUS('broken'), 'hello');
  lab.server.put(BUCKET, 'ubuntu/status/hosts/README', 'foreign');
  lab.server.dateOffsetMs = 0;
  put('new');
  lab.server.put(BUCKET, FACTS('half'), '{}');
}

function left(lab: OperatorLab): string[] {
  return lab.server.keys(BUCKET).filter((key) => key.startsWith('ubuntu/status/'));
}

const OLD = ['broken', 'facts', 'forgotten', 'old', 'running', 'terminated'];

interface Row {
  readonly args: readonly string[];
  readonly answer?: string;
  readonly removed: readonly string[];
  readonly code?: string;
}

const ROWS: Readonly<Record<string, Row>> = {
  'old ones': { args: ['--older-than', '90d', '--yes'], removed: OLD },
  'asked, and agreed': { args: ['--older-than', '90d'], answer: 'y', removed: OLD },
  'asked, and not agreed': {
    args: ['--older-than', '90d'],
    answer: 'n',
    removed: [],
    code: 'NOT_CONFIRMED',
  },
  'no terminal': { args: ['--older-than', '90d'], removed: [], code: 'NOT_CONFIRMED' },
  noop: { args: ['--older-than', '90d', '--noop'], removed: [] },
  'none is that old': { args: ['--older-than', '200d', '--yes'], removed: [] },
  'a host on time stays': { args: ['--older-than', '1s', '--yes'], removed: OLD },
  'terminated instances': {
    args: ['--older-than', '1d', '--instances', 'instances.json', '--yes'],
    removed: ['forgotten', 'terminated'],
  },
  'no list of their region': {
    args: ['--older-than', '1d', '--instances', 'elsewhere.json', '--yes'],
    removed: [],
  },
  'no such list': {
    args: ['--older-than', '1d', '--instances', 'none.json', '--yes'],
    removed: [],
    code: 'USAGE',
  },
};

test('fleet prune: removes what old hosts left, and nothing else', async (t) => {
  const lab = await fleet(t);
  for (const [name, { args, answer, removed, code }] of Object.entries(ROWS)) {
    putHosts(lab);
    const before = left(lab);
    const asked = answer === undefined ? {} : { askLine: async () => answer };
    const { json, stderr } = await lab.mm(['fleet', 'prune', ...args, '--json'], asked);
    if (code !== undefined) assert.equal(ErrorAnswer.parse(json).error.code, code, name);
    else if (!args.includes('--noop')) {
      const hosts = FleetPruneAnswer.parse(json).hosts;
      assert.deepEqual(
        hosts.map(({ certname }) => certname),
        removed,
        name + stderr,
      );
    }
    const gone = removed.flatMap((certname) => [STATUS(certname), FACTS(certname)]);
    assert.deepEqual(
      left(lab),
      before.filter((key) => !gone.includes(key)),
      name,
    );
  }
});

test('fleet prune: a host that reports meanwhile stays, with its facts', async (t) => {
  const lab = await fleet(t);
  const report = () =>
    lab.server.put(BUCKET, STATUS('old'), JSON.stringify({ ...sampleStatus, certname: 'old' }));
  const { json } = await lab.mm(['fleet', 'prune', '--older-than', '90d', '--json'], {
    askLine: async () => {
      report();
      return 'y';
    },
  });
  assert.equal(FleetPruneAnswer.parse(json).kept.reporting, 1);
  const stays = [STATUS('old'), FACTS('old')];
  assert.deepEqual(
    left(lab).filter((key) => stays.includes(key)),
    stays.toSorted(),
  );
});

test('fleet prune: each removal is of the object that was listed', async (t) => {
  const lab = await fleet(t);
  lab.server.requests.length = 0;
  await lab.mm(['fleet', 'prune', '--older-than', '90d', '--yes']);
  const removals = lab.server.requests.filter(({ method }) => method === 'DELETE');
  assert.equal(removals.length, 2 * OLD.length - 2);
  for (const { headers } of removals) assert.match(String(headers['if-match']), /^[0-9a-f]{32}$/);
});

test('fleet: a terminated instance is not a silent host, wherever these are counted', async (t) => {
  const lab = await fleet(t);
  const list = ['--instances', 'instances.json', '--json'];
  await lab.mm(['fleet', 'sync', ...list]);
  const { hosts, summary } = StatusListAnswer.parse(
    (await lab.mm(['fleet', 'hosts', ...list])).json,
  );
  const shown = Object.fromEntries(
    hosts.map(({ certname, instance, stale }) => [certname, [instance, stale]]),
  );
  assert.deepEqual(
    ['forgotten', 'new', 'old', 'running', 'terminated'].map((name) => shown[name]),
    [
      ['terminated', false],
      [null, false],
      [null, true],
      ['running', true],
      ['terminated', false],
    ],
  );
  assert.equal(summary.terminated, 2);
  const status = await lab.mm(['fleet', 'status', '--fail-over', '5', ...list]);
  assert.deepEqual(
    [status.json.summary.gate.bad, status.json.summary.terminated, status.exitCode],
    [5, 2, 0],
  );
  const direct = StatusListAnswer.parse((await lab.mm(['status', ...list])).json).summary;
  assert.deepEqual([direct.stale, direct.terminated], [summary.stale, 2]);

  const silent = 'SELECT certname FROM hosts WHERE stale';
  const asked = async (...args: string[]) =>
    (await lab.mm(['fleet', 'query', silent, '--json', ...args])).json.rows.map(
      ({ certname }: { certname: string }) => certname,
    );
  assert.deepEqual(await asked('--instances', 'instances.json'), ['half', 'old', 'running']);
  assert.deepEqual(await asked(), ['forgotten', 'half', 'old', 'running', 'terminated']);

  const { json } = await lab.mm(['fleet', 'report', ...list]);
  const { head, ...page } = await fleetIn(readFileSync(json.file, 'utf8'));
  const { values, cells } = page.columns.get('state') as OneColumn;
  const states = Object.groupBy(cells, (cell) => values[cell] ?? '');
  const counts = { unchanged: 1, silent: 3, terminated: 2, unreadable: 2 };
  assert.deepEqual(
    Object.fromEntries(Object.entries(states).map(([state, hosts]) => [state, hosts?.length])),
    counts,
  );
  assert.deepEqual(head.history.at(-1)?.hosts, counts);
});
