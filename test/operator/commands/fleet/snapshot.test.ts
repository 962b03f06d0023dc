import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parquetReadObjects } from 'hyparquet';
import { FleetSnapshotAnswer } from '../../../../operator/commands/fleet/fleet-answers.ts';
import { loadFleet } from '../../../../operator/fleet/report/page/data/load.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized, type OperatorLab } from '../../operator-lab.ts';

const NAMES = ['history.json', 'hosts.parquet', 'facts.parquet', 'fleet.html'];
const KEYS = NAMES.map((name) => `ubuntu/status/fleet/v1/latest/${name}`);
const [HISTORY = '', HOSTS = '', FACTS = '', PAGE = ''] = KEYS;

async function snapshot(lab: OperatorLab, ...more: string[]): Promise<FleetSnapshotAnswer> {
  const { exitCode, json, stderr } = await lab.mm(['fleet', 'snapshot', '--json', ...more]);
  assert.equal(exitCode, 0, stderr);
  return FleetSnapshotAnswer.parse(json);
}

/** The history that the page in the bucket has. */
async function shown({ server }: OperatorLab) {
  const [, data = ''] = /id="data">([^<]*)</.exec(String(server.get(BUCKET, PAGE))) ?? [];
  return (await loadFleet(data)).head.history;
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
  await lab.mm(['fleet', 'sync']);
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

  const yesterday = { at: new Date(Date.now() - 86_400_000).toISOString(), hosts: { failed: 7 } };
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
