import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import {
  FleetSnapshotAnswer,
  FleetSyncAnswer,
} from '../../../../operator/commands/fleet/fleet-answers.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized, type OperatorLab } from '../../operator-lab.ts';
import { fleetIn } from './fleet-page.ts';

const LATEST = 'ubuntu/status/fleet/v1/latest';
const HISTORY = `${LATEST}/history.json`;
const STATUSES = `${LATEST}/statuses.ndjson.gz`;
const HOSTS = `${LATEST}/hosts.parquet`;
const FACTS = `${LATEST}/facts.parquet`;
const PAGE = `${LATEST}/fleet.html`;
const NOW = Date.parse('2026-11-30T12:00:00Z');
const DAY = 'ubuntu/status/fleet/v1/daily/dt=2026-11-30/hosts.parquet';
const KEYS = [HISTORY, STATUSES, DAY, HOSTS, FACTS, PAGE];
const STATUS = (file: string) => `ubuntu/status/hosts/${file}`;

async function snapshot(lab: OperatorLab, ...more: string[]): Promise<FleetSnapshotAnswer> {
  const args = ['fleet', 'snapshot', '--json', ...more];
  const { exitCode, json, stderr } = await lab.mm(args, { now: () => NOW });
  assert.equal(exitCode, 0, stderr);
  return FleetSnapshotAnswer.parse(json);
}

/** The history that the page in the bucket has. */
async function shown({ server }: OperatorLab) {
  return (await headIn(String(server.get(BUCKET, PAGE)))).history;
}

async function headIn(html: string) {
  return (await fleetIn(html)).head;
}

async function rowsOf({ server }: OperatorLab, key: string): Promise<Record<string, unknown>[]> {
  const { buffer, byteOffset, length } = new Uint8Array(server.get(BUCKET, key) ?? []);
  const file = buffer.slice(byteOffset, byteOffset + length);
  return await parquetReadObjects({ file });
}

test('fleet snapshot: puts the page into the bucket, with what earlier ones knew', async (t) => {
  const lab = await initialized(t);
  const status = JSON.stringify({ ...sampleStatus, certname: 'web1' });
  lab.server.put(BUCKET, 'ubuntu/status/hosts/web1.json', status);
  await lab.mm(['fleet', 'sync'], { now: () => NOW });
  const planned = await snapshot(lab, '--noop');
  assert.deepEqual([planned.outcome, planned.objects.map(({ key }) => key)], ['noop', KEYS]);
  assert.equal(lab.server.get(BUCKET, PAGE), undefined);
  const written = await snapshot(lab);
  assert.deepEqual([written.outcome, written.hosts], ['written', 1]);
  const sizes = KEYS.map((key) => lab.server.get(BUCKET, key)?.length);
  assert.deepEqual(
    written.objects.map(({ bytes }) => bytes),
    sizes,
  );
  const [host, ...hosts] = await rowsOf(lab, HOSTS);
  assert.deepEqual([host?.['certname'], host?.['run'], hosts], ['web1', 'unchanged', []]);
  assert.ok(host !== undefined && !('status' in host), 'the whole status would be most of it');
  const facts = await rowsOf(lab, FACTS);
  assert.deepEqual(
    facts.find(({ name }) => name === 'os.name'),
    { certname: 'web1', name: 'os.name', value: 'Ubuntu' },
  );
  const [now, ...more] = await shown(lab);
  assert.deepEqual([now?.hosts, more], [{ unchanged: 1 }, []]);
  assert.deepEqual(lab.server.get(BUCKET, DAY), lab.server.get(BUCKET, HOSTS));

  const yesterday = { at: new Date(NOW - 86_400_000).toISOString(), hosts: { failed: 7 } };
  const points = [yesterday];
  const elsewhere = { schemaVersion: 1, bucket: BUCKET, tree: 'ubuntu', points };
  lab.server.put(BUCKET, HISTORY, JSON.stringify(elsewhere));
  await snapshot(lab);
  assert.deepEqual(await shown(lab), [yesterday, now]);
  assert.deepEqual(JSON.parse(String(lab.server.get(BUCKET, HISTORY))).points, [yesterday, now]);
  for (const foreign of ['no JSON', JSON.stringify({ ...elsewhere, tree: 'osx' })]) {
    lab.server.put(BUCKET, HISTORY, foreign);
    await snapshot(lab);
    assert.deepEqual(await shown(lab), [now], foreign);
  }
});

test('fleet snapshot: is no host', async (t) => {
  const lab = await initialized(t);
  await lab.mm(['fleet', 'sync']);
  await snapshot(lab);
  const { json } = await lab.mm(['fleet', 'sync', '--json']);
  assert.equal(json.hosts, 0);
});

const FAILED = { resource: 'File[/etc/motd]', message: 'no space', file: null, line: null };
const statusOf = (certname: string, more: object = {}) =>
  JSON.stringify({ ...sampleStatus, certname, ...more });

test('fleet sync --snapshot: another machine answers as the one that made it', async (t) => {
  const lab = await initialized(t);
  const run = { ...sampleRun, status: 'failed', failedResources: [FAILED] };
  for (const [file, body] of [
    ['db1.json', statusOf('db1', { facts: { role: 'db' } })],
    ['web1.json', statusOf('web1', { run, groups: ['web'] })],
    ['broken.json', 'hello'],
    ['newer.json', statusOf('newer', { schemaVersion: 2 })],
    ['other.json', statusOf('web1')],
    ['a/README', 'foreign'],
  ] as const)
    lab.server.put(BUCKET, STATUS(file), body);
  const asked = async (...args: string[]) =>
    (await lab.mm(['fleet', ...args, '--json'], { now: () => NOW + 60_000 })).json;
  const all = async () => [
    await asked('hosts'),
    await asked('status'),
    await asked('host', 'web1'),
    await asked('why', 'web1', FAILED.resource),
    await asked('problems'),
    await asked('query', 'SELECT * FROM facts'),
    (await headIn(await readFile((await asked('report')).file, 'utf8'))).history,
  ];
  const { file } = (await lab.mm(['fleet', 'sync', '--json'], { now: () => NOW })).json;
  const before = await all();
  await snapshot(lab);
  await rm(dirname(file), { recursive: true });
  const first = lab.server.requests.length;
  const answer = FleetSyncAnswer.parse(await asked('sync', '--snapshot'));
  const { source, hosts, fetched, unreadable, requests } = answer;
  assert.deepEqual([source, hosts, fetched, unreadable], ['snapshot', 6, 6, 4]);
  assert.equal(lab.server.requests.length - first, requests.get + requests.list);
  assert.equal(requests.get, 2);
  assert.equal(answer.syncedAt, new Date(NOW).toISOString());
  assert.deepEqual(await all(), before);

  assert.equal((await asked('sync', '--snapshot')).fetched, 0, 'it has it already');
  const { fetched: read } = await asked('sync');
  assert.equal(read, 1, 'only the newer one: a sync goes on from the snapshot');
  lab.server.put(BUCKET, STATUS('web2.json'), statusOf('web2'));
  await asked('sync');
  await asked('sync', '--snapshot');
  assert.equal((await asked('hosts')).summary.hosts, 7, 'an older snapshot changes nothing');
});

/** Lines of a snapshot, the head first. */
const lines = (...each: readonly unknown[]) =>
  gzipSync(each.map((line) => `${JSON.stringify(line)}\n`).join(''));
const head = {
  ...{ schemaVersion: 1, bucket: BUCKET, tree: 'ubuntu' },
  syncedAt: new Date(NOW).toISOString(),
  hosts: 1,
};
const host = {
  ...{ file: 'web1.json', etag: 'e', receivedAt: NOW, problem: null },
  status: JSON.parse(statusOf('web1')),
};

test('fleet sync --snapshot: what is no snapshot, or hostile, is refused or skipped', async (t) => {
  const lab = await initialized(t);
  const sync = () => lab.mm(['fleet', 'sync', '--snapshot', '--json'], { now: () => NOW });
  assert.equal(ErrorAnswer.parse((await sync()).json).error.code, 'S3_NOT_FOUND');
  const whole = lines(head, host);
  for (const [name, bytes] of Object.entries({
    'no gzip': Buffer.from('hello'),
    'cut off': whole.subarray(0, whole.length - 20),
    'no head': lines(host),
    'a newer format': lines({ ...head, schemaVersion: 2 }, host),
    'another tree': lines({ ...head, tree: 'osx' }, host),
    'a host too few': lines({ ...head, hosts: 2 }, host),
    'a host too many': lines(head, host, host),
    'a time that is text': lines(head, { ...host, receivedAt: 'now' }),
    'a time that no calendar has': lines(head, { ...host, receivedAt: 9e15 }),
    'a line without end': gzipSync(`${JSON.stringify(head)}\n${' '.repeat(2 ** 24)}`),
  })) {
    lab.server.put(BUCKET, STATUSES, bytes);
    assert.equal(ErrorAnswer.parse((await sync()).json).error.code, 'STATUS_INVALID', name);
    assert.equal((await lab.mm(['fleet', 'hosts', '--json'])).json.error.code, 'STATE_MISSING');
  }
  const odd = {
    'two.json': host,
    'web1.json': { ...host, status: { ...host.status, facts: 7 } },
    'newer.json': { ...host, status: { schemaVersion: 2 } },
    README: host,
    '\u001b[2J.json': host,
  };
  const files = Object.entries(odd).map(([file, each]) => ({ ...each, file, etag: 'f' }));
  lab.server.put(BUCKET, STATUSES, lines({ ...head, hosts: files.length }, ...files));
  await sync();
  const { json } = await lab.mm(['fleet', 'query', 'SELECT kind FROM unreadable', '--json']);
  assert.deepEqual(json.rows.map(({ kind }: { kind: string }) => kind).sort(), [
    'foreign',
    'foreign',
    'invalid',
    'invalid',
    'newer',
  ]);
});

test('fleet sync --snapshot: a status that S3 refused does not replace one that is readable', async (t) => {
  const lab = await initialized(t);
  const problem = { kind: 'refused', message: 'AccessDenied' };
  const refused = { ...host, etag: '', status: null, problem };
  for (const [minutes, line] of [host, refused].entries()) {
    const at = NOW + minutes * 60_000;
    const syncedAt = new Date(at).toISOString();
    lab.server.put(BUCKET, STATUSES, lines({ ...head, syncedAt }, line));
    const { json } = await lab.mm(['fleet', 'sync', '--snapshot', '--json'], { now: () => at });
    assert.equal(json.syncedAt, syncedAt);
  }
  const { json } = await lab.mm(['fleet', 'query', 'SELECT kind FROM unreadable', '--json']);
  assert.deepEqual(json.rows, []);
});

test('fleet sync --snapshot: one of the year 9999 keeps no later one away', async (t) => {
  const lab = await initialized(t);
  for (const [minutes, year] of [9999, 2026].entries()) {
    const syncedAt = `${year}-11-30T12:01:00Z`;
    lab.server.put(BUCKET, STATUSES, lines({ ...head, syncedAt }, { ...host, etag: `${year}` }));
    const now = () => NOW + minutes * 60_000;
    const { json } = await lab.mm(['fleet', 'sync', '--snapshot', '--json'], { now });
    assert.deepEqual([json.fetched, json.syncedAt], [1, new Date(now()).toISOString()]);
  }
});
