import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { FleetParquetAnswer } from '../../../../operator/commands/fleet/fleet-answers.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized } from '../../operator-lab.ts';

/** The file as another program reads it. */
async function readBack(path: string): Promise<{ types: unknown; rows: unknown }> {
  const bytes = readFileSync(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { children } = parquetSchema(parquetMetadata(file));
  const types = children.map(({ element }) => [element.name, element.type]);
  return { types, rows: await parquetReadObjects({ file }) };
}

test('fleet query --parquet: an independent reader finds the same rows', async (t) => {
  const lab = await initialized(t);
  const put = (certname: string, more: object) => {
    const status = JSON.stringify({ ...sampleStatus, certname, ...more });
    lab.server.put(BUCKET, `ubuntu/status/hosts/${certname}.json`, status);
  };
  const { vitals } = sampleStatus;
  put('web1', { vitals: { ...vitals, uptimeSeconds: 5_000_000_000, load1: 0.5 } });
  put('web2', { vitals: null, facts: { 'os.name': 'Übuntu "x"\u0000\ud83d\ude00' } });
  await lab.mm(['fleet', 'sync']);
  const file = join(lab.repository, 'hosts.parquet');
  const sql = `SELECT certname, uptime_seconds, status ->> '$.vitals.load1' AS load, NULL AS empty,
    (SELECT value FROM facts WHERE facts.certname = hosts.certname AND name = 'os.name') AS os
    FROM hosts ORDER BY certname`;
  const args = ['fleet', 'query', sql, '--parquet', 'hosts.parquet', '--json'];
  const { json, stderr } = await lab.mm(args);
  assert.equal(json.error, undefined, stderr);
  const answer = FleetParquetAnswer.parse(json);
  assert.deepEqual([answer.rows, answer.file, answer.bytes], [2, file, statSync(file).size]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const { types, rows } = await readBack(file);
  assert.deepEqual(types, [
    ['certname', 'BYTE_ARRAY'],
    ['uptime_seconds', 'INT64'],
    ['load', 'DOUBLE'],
    ['empty', 'BYTE_ARRAY'],
    ['os', 'BYTE_ARRAY'],
  ]);
  const os = sampleStatus.facts['os.name'] ?? null;
  assert.deepEqual(rows, [
    { certname: 'web1', uptime_seconds: 5_000_000_000n, load: 0.5, empty: null, os },
    {
      ...{ certname: 'web2', uptime_seconds: null, load: null, empty: null },
      os: 'Übuntu "x"\u0000\ud83d\ude00',
    },
  ]);
  await lab.mm(['fleet', 'query', 'SELECT 1 AS n WHERE 0', '--parquet', 'none.parquet']);
  assert.deepEqual((await readBack(join(lab.repository, 'none.parquet'))).rows, []);
  const refused = await lab.mm(['fleet', 'query', 'SELECT 1 AS n', '--parquet', 'no/x', '--json']);
  assert.equal(ErrorAnswer.parse(refused.json).error.code, 'FILE_FAILED');
});
