import assert from 'node:assert/strict';
import { chmodSync, globSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { StatusDocument } from '../../../../bucket/documents/status.ts';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import {
  FleetStatusAnswer,
  FleetSyncAnswer,
  FleetWhyAnswer,
} from '../../../../operator/commands/fleet/fleet-answers.ts';
import { StatusListAnswer } from '../../../../operator/status-answer.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import {
  BUCKET,
  type Done,
  initialized,
  type OperatorLab,
  type Owner,
} from '../../operator-lab.ts';

const KEY = (certname: string) => `ubuntu/status/hosts/${certname}.json`;

function put(lab: OperatorLab, certname: string, status: Partial<StatusDocument> = {}): void {
  const document = JSON.stringify({ ...sampleStatus, certname, ...status });
  lab.server.put(BUCKET, KEY(certname), document);
}

const failure = { resource: 'File[/etc/motd]', message: 'no space left', file: 'a.pp', line: 3 };
const failedRun = { ...sampleRun, status: 'failed' as const, failedResources: [failure] };

/** `web1` and `web2` fail alike, `db1` is healthy and in no group, `bad` is no status. */
async function fleet(t: Owner): Promise<OperatorLab> {
  const lab = await initialized(t);
  put(lab, 'web1', { run: failedRun });
  put(lab, 'web2', { run: failedRun, environment: 'testing' });
  const disabled = { reason: 'migration', by: null, until: null };
  put(lab, 'db1', { groups: [], release: null, disabled });
  lab.server.put(BUCKET, KEY('bad'), 'hello');
  return lab;
}

async function sync(lab: OperatorLab): Promise<FleetSyncAnswer> {
  const { exitCode, json, stderr } = await lab.mm(['fleet', 'sync', '--json']);
  assert.equal(exitCode, 0, stderr);
  return FleetSyncAnswer.parse(json);
}

/** The objects that were fetched since the last call. */
function fetched(lab: OperatorLab): string[] {
  const gets = lab.server.requests
    .splice(0)
    .filter(({ method, query }) => method === 'GET' && !query.includes('list-type'));
  return gets.map(({ key }) => key).sort();
}

test('fleet sync: reads what is new or changed, and nothing else', async (t) => {
  const lab = await fleet(t);
  assert.deepEqual((await sync(lab)).requests, { list: 1, get: 4 });
  fetched(lab);
  const idle = await sync(lab);
  assert.deepEqual([idle.hosts, idle.fetched, idle.gone, idle.unreadable], [4, 0, 0, 1]);
  assert.deepEqual(fetched(lab), []);
  put(lab, 'web1');
  put(lab, 'web3');
  lab.server.delete(BUCKET, KEY('db1'));
  const changed = await sync(lab);
  assert.deepEqual([changed.hosts, changed.fetched, changed.gone], [4, 2, 1]);
  assert.deepEqual(fetched(lab), [KEY('web1'), KEY('web3')]);
  const { json } = await lab.mm(['fleet', 'hosts', '--json']);
  assert.deepEqual(
    StatusListAnswer.parse(json).hosts.map(({ certname, run }) => [certname, run]),
    [
      ['bad', null],
      ['web1', 'unchanged'],
      ['web2', 'failed'],
      ['web3', 'unchanged'],
    ],
  );
});

test('fleet sync: after a failure the next one reads only the rest', async (t) => {
  const lab = await initialized(t);
  const before = await lab.mm(['fleet', 'hosts', '--json']);
  assert.equal(ErrorAnswer.parse(before.json).error.code, 'STATE_MISSING');
  const names = Array.from({ length: 300 }, (_, n) => `h${n + 100}`);
  for (const certname of names) put(lab, certname);
  const gone = { kind: 'status', status: 403, code: 'InvalidAccessKeyId' } as const;
  lab.server.faults.add({ ...gone, match: { key: KEY('h350') } });
  const failed = await lab.mm(['fleet', 'sync', '--json']);
  assert.equal(ErrorAnswer.parse(failed.json).error.code, 'S3_CREDENTIALS_REJECTED');
  const asked = await lab.mm(['fleet', 'status', '--json']);
  assert.equal(
    ErrorAnswer.parse(asked.json).error.code,
    'STATE_MISSING',
    'a part of a copy answers nothing',
  );
  lab.server.faults.clear();
  const rest = await sync(lab);
  assert.deepEqual([rest.hosts, rest.fetched], [300, 50]);
});

test('fleet sync: a status that S3 refused or that is newer is read again', async (t) => {
  const lab = await fleet(t);
  lab.server.put(BUCKET, KEY('new'), JSON.stringify({ ...sampleStatus, schemaVersion: 2 }));
  const denied = { kind: 'status', status: 403, code: 'AccessDenied' } as const;
  lab.server.faults.add({ ...denied, match: { key: KEY('db1') } });
  assert.equal((await sync(lab)).unreadable, 3);
  lab.server.faults.clear();
  fetched(lab);
  await sync(lab);
  assert.deepEqual(fetched(lab), [KEY('db1'), KEY('new')]);
  lab.server.faults.add({ ...denied, match: { key: /hosts.*json/ } });
  for (const certname of ['web1', 'web2', 'db1', 'bad', 'new'])
    put(lab, certname, { groups: ['x'] });
  const refused = await lab.mm(['fleet', 'sync', '--json']);
  assert.equal(ErrorAnswer.parse(refused.json).error.code, 'S3_ACCESS_DENIED');
});

test('fleet sync: many refusals fail, also when other hosts have not changed', async (t) => {
  const lab = await initialized(t);
  const names = Array.from({ length: 101 }, (_, n) => `h${n}`);
  for (const certname of names) put(lab, certname);
  await sync(lab);
  const denied = { kind: 'status', status: 403, code: 'AccessDenied' } as const;
  lab.server.faults.add({ ...denied, match: { key: /hosts.*json/ } });
  for (const certname of names.slice(1)) put(lab, certname, { groups: ['x'] });
  const { json } = await lab.mm(['fleet', 'sync', '--json']);
  assert.equal(ErrorAnswer.parse(json).error.code, 'S3_ACCESS_DENIED');
  lab.server.faults.clear();
  assert.equal((await sync(lab)).fetched, 100);
});

test('fleet sync: a damaged copy is made again', async (t) => {
  const lab = await fleet(t);
  const { file } = await sync(lab);
  for (const stale of globSync(`${file}-*`)) writeFileSync(stale, '');
  writeFileSync(file, 'no database at all, but long enough to have a header'.repeat(100));
  assert.equal((await sync(lab)).fetched, 4);
  const { exitCode } = await lab.mm(['fleet', 'host', 'db1']);
  assert.equal(exitCode, 0);
  assert.ok(file.startsWith(join(lab.directory, 'home')) || file.startsWith(lab.repository));
});

test('fleet sync: only its user can read the copy, also one of an earlier mm', async (t) => {
  const lab = await fleet(t);
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  const { file } = await sync(lab);
  const directory = dirname(file);
  assert.deepEqual([directory, file].map(mode), ['700', '600']);
  chmodSync(directory, 0o755);
  chmodSync(file, 0o644);
  using _reader = new DatabaseSync(file);
  _reader.prepare('SELECT count(*) FROM host').get();
  const beside = globSync(`${file}-*`);
  for (const each of beside) chmodSync(each, 0o644);
  await sync(lab);
  assert.deepEqual([directory, file, ...beside].map(mode), ['700', '600', '600', '600']);
});

test('fleet: a copy that cannot be opened is no defect of mm', async (t) => {
  const lab = await fleet(t);
  const { file } = await sync(lab);
  rmSync(file);
  mkdirSync(file);
  for (const [command, code] of Object.entries({ sync: 'FILE_FAILED', hosts: 'STATE_MISSING' })) {
    const { json } = await lab.mm(['fleet', command, '--json']);
    assert.equal(ErrorAnswer.parse(json).error.code, code, command);
  }
});

/** Conditions and options that `mm status` and `mm fleet hosts` must understand alike. */
const SELECTIONS: readonly (readonly string[])[] = [
  [],
  ['--failed'],
  ['--where', 'environment=testing'],
  ['--where', 'certname~^web'],
  ['--where', 'release.version~^1', '--where', 'run.failedResources.line>2'],
  ['--where', 'disabled!=null'],
  ['--where', 'disabled=null'],
  ['--where', 'otherWriter!=null'],
  ['--where', 'otherWriter=null'],
  ['--where', 'os.name=Ubuntu', '--failed'],
  ['--where', 'facts.kernel!=Linux'],
  ['--stale', '1s', '--older-than', '2h'],
  ['--fail-over', '0'],
  ['--failed', '--fail-over', '50%'],
  ['--where', 'enviroment=testing'],
  ['--where', 'x'],
];

/** The copy says more about a fact that no host has. */
function withCode(answer: Done['json']): unknown {
  return answer.error === undefined ? answer : { ...answer, error: answer.error.code };
}

test('fleet hosts: the same hosts, summary and exit code as mm status', async (t) => {
  const lab = await fleet(t);
  await sync(lab);
  const now = Date.now() + 10_000;
  for (const args of SELECTIONS) {
    const live = await lab.mm(['status', ...args, '--json'], { now: () => now });
    const copied = await lab.mm(['fleet', 'hosts', ...args, '--json'], { now: () => now });
    assert.deepEqual(withCode(copied.json), withCode(live.json), args.join(' '));
    assert.equal(copied.exitCode, live.exitCode, args.join(' '));
  }
});

test('fleet hosts: the id of a machine that was replaced since the copy is no second machine', async (t) => {
  const lab = await initialized(t);
  put(lab, 'web1', { hostId: 'a'.repeat(16) });
  await lab.mm(['status']);
  await sync(lab);
  put(lab, 'web1', { hostId: 'b'.repeat(16) });
  await lab.mm(['status']);
  const { json } = await lab.mm(['fleet', 'hosts', '--json']);
  assert.equal(StatusListAnswer.parse(json).hosts[0]?.shared, null);
  await sync(lab);
  const live = await lab.mm(['status', '--json']);
  assert.equal(StatusListAnswer.parse(live.json).hosts[0]?.shared, null);
});

test('fleet status: states, releases, groups and failures', async (t) => {
  const lab = await fleet(t);
  await sync(lab);
  const { json } = await lab.mm(['fleet', 'status', '--json']);
  const answer = FleetStatusAnswer.parse(json);
  assert.deepEqual(answer.summary.runs, { unchanged: 1, failed: 2 });
  assert.deepEqual([answer.summary.unreadable.total, answer.disabled], [1, 1]);
  assert.deepEqual(answer.releases, [
    { name: '1.4.2', hosts: 2, failed: 2 },
    { name: 'none', hosts: 1, failed: 0 },
  ]);
  assert.deepEqual(answer.groups, [{ name: 'canary', hosts: 2, failed: 2 }]);
  assert.deepEqual(
    answer.failures.map(({ hosts, example }) => [hosts, example]),
    [[2, 'web1']],
  );
  const gates = { '3': 0, '2': 1, '75%': 0, '74%': 1 };
  for (const [gate, want] of Object.entries(gates)) {
    const { exitCode, stdout } = await lab.mm(['fleet', 'status', '--fail-over', gate]);
    assert.equal(exitCode, want, gate);
    assert.match(stdout, /File\[\/etc\/motd\]: no space left/);
  }
  const one = await lab.mm(['fleet', 'status', '--where', 'environment=testing', '--json']);
  assert.equal(FleetStatusAnswer.parse(one.json).summary.matching, 1);
  assert.deepEqual(FleetStatusAnswer.parse(one.json).summary.missingFacts, []);
  put(lab, 'web1', { facts: { ...sampleStatus.facts, role: 'web' } });
  await sync(lab);
  const byFact = await lab.mm(['fleet', 'status', '--where', 'role=web', '--json']);
  const { missingFacts } = FleetStatusAnswer.parse(byFact.json).summary;
  assert.deepEqual(missingFacts, [{ field: 'role', hosts: 2, of: 3 }]);
  const mistyped = await lab.mm(['fleet', 'status', '--where', 'environment=testin']);
  assert.match(mistyped.stdout, /did you mean testing\?/);
});

test('fleet host, fleet why: what one host reported', async (t) => {
  const lab = await fleet(t);
  await sync(lab);
  const { json } = await lab.mm(['fleet', 'host', 'web1', '--json']);
  assert.equal(StatusDocument.parse(json).run?.status, 'failed');
  const asked = ['fleet', 'why', 'web1', failure.resource];
  const why = FleetWhyAnswer.parse((await lab.mm([...asked, '--json'])).json);
  assert.deepEqual(
    [why.outcome, why.message, why.file, why.line, why.hostsFailing],
    ['failed', failure.message, 'a.pp', 3, 2],
  );
  const other = await lab.mm(['fleet', 'why', 'web1', 'File[/etc/mtd]', '--json']);
  assert.equal(FleetWhyAnswer.parse(other.json).outcome, 'not-reported');
  assert.match(other.stderr, /File\[\/etc\/motd\]/);
  const missing = await lab.mm(['fleet', 'host', 'web11', '--json']);
  assert.match(ErrorAnswer.parse(missing.json).error.next ?? '', /web1/);
  assert.equal((await lab.mm(['fleet', 'host', '../x'])).exitCode, 2);
});

const EVIL = '\u001b]0;x\u0007\u009b31m\u202e\r\n';
test('fleet: no escape of a host reaches the terminal', async (t) => {
  const lab = await initialized(t);
  const failed = { ...failure, message: EVIL, file: EVIL };
  const run = { ...failedRun, reason: EVIL, error: EVIL, failedResources: [failed] };
  put(lab, 'web1', { run, groups: [EVIL], release: null });
  await sync(lab);
  const asked = [['status'], ['hosts'], ['host', 'web1'], ['why', 'web1', failure.resource]];
  for (const args of asked) {
    for (const json of [[], ['--json']]) {
      const { stdout, exitCode } = await lab.mm(['fleet', ...args, ...json]);
      assert.equal(exitCode, 0);
      assert.match(stdout, /^[\n\x20-\x7e]+$/, args.join(' '));
    }
  }
});
