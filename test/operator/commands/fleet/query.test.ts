import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { sampleRun, sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized, type OperatorLab, type Owner } from '../../operator-lab.ts';

const failed = { resource: 'File[/etc/motd]', message: '=no, space', file: 'a.pp', line: 3 };
const failedRun = { ...sampleRun, status: 'failed', failedResources: [failed] };

/** `web1` failed, `web2` is healthy, and `bad` is no status. */
async function synced(t: Owner): Promise<OperatorLab> {
  const lab = await initialized(t);
  const hosts = {
    web1: {
      ...sampleStatus,
      run: failedRun,
      facts: { ...sampleStatus.facts, is_virtual: true, cores: 8, disks: ['sda'] },
    },
    web2: { ...sampleStatus, run: { ...sampleRun, changedResources: ['Service[ntp]'] } },
    bad: {},
  };
  for (const [certname, status] of Object.entries(hosts)) {
    const document = JSON.stringify({ ...status, certname });
    lab.server.put(BUCKET, `ubuntu/status/hosts/${certname}.json`, document);
  }
  await lab.mm(['fleet', 'sync']);
  return lab;
}

const ANSWERS: readonly (readonly [string, readonly object[]])[] = [
  ['SELECT count(*) AS n FROM hosts', [{ n: 2 }]],
  [
    'SELECT certname, run, stale, resources, agent_version FROM hosts ORDER BY 1',
    [
      { certname: 'web1', run: 'failed', stale: 0, resources: 107, agent_version: '0.1.0' },
      { certname: 'web2', run: 'unchanged', stale: 0, resources: 107, agent_version: '0.1.0' },
    ],
  ],
  ["SELECT DISTINCT value FROM facts WHERE name = 'os.name'", [{ value: 'Ubuntu' }]],
  [
    "SELECT name, value FROM facts WHERE name IN ('is_virtual', 'cores', 'disks') ORDER BY 1",
    [
      { name: 'cores', value: 8 },
      { name: 'disks', value: '["sda"]' },
      { name: 'is_virtual', value: 'true' },
    ],
  ],
  ['SELECT name, count(*) AS n FROM host_groups GROUP BY 1', [{ name: 'canary', n: 2 }]],
  [
    'SELECT certname, resource, file, line FROM failed_resources',
    [{ certname: 'web1', resource: failed.resource, file: 'a.pp', line: 3 }],
  ],
  ['SELECT * FROM changed_resources', [{ certname: 'web2', resource: 'Service[ntp]' }]],
  ['SELECT certname, kind FROM unreadable', [{ certname: 'bad', kind: 'invalid' }]],
  ['SELECT bucket, tree FROM last_sync;', [{ bucket: BUCKET, tree: 'ubuntu' }]],
  [
    "WITH a AS (SELECT x'ff' AS b, 9223372036854775807 AS c) SELECT * FROM a",
    [{ b: 'ff', c: '9223372036854775807' }],
  ],
];

test('fleet query: each view, and each kind of value', async (t) => {
  const lab = await synced(t);
  for (const [sql, rows] of ANSWERS) {
    const { json, stderr } = await lab.mm(['fleet', 'query', sql, '--json']);
    assert.deepEqual(json?.rows, rows, `${sql}: ${stderr}`);
  }
  const limited = await lab.mm(['fleet', 'query', 'SELECT * FROM facts', '--limit', '1', '--json']);
  assert.deepEqual([limited.json.rows.length, limited.json.isMore], [1, true]);
  const csv = await lab.mm([
    'fleet',
    'query',
    'SELECT message AS "a,b" FROM failed_resources',
    '--csv',
  ]);
  assert.equal(csv.stdout, `"a,b"\n"'=no, space"\n`);
  const hosts = await lab.mm(['fleet', 'hosts', '--failed', '--csv']);
  assert.match(hosts.stdout, /^certname,run,.*\nweb1,failed,.*\n$/);
});

const REFUSED = [
  'DELETE FROM host',
  'DROP VIEW hosts',
  'CREATE TABLE t (a)',
  'CREATE TEMP TABLE t (a)',
  'CREATE TEMP VIEW v AS SELECT * FROM host',
  "ATTACH '/tmp/other.sqlite' AS other",
  "VACUUM INTO '/tmp/other.sqlite'",
  'PRAGMA user_version = 1',
  'SELECT * FROM pragma_user_version',
  'SELECT * FROM host',
  'SELECT * FROM main.Host',
  'SELECT * FROM sqlite_schema',
  "SELECT load_extension('x')",
  'WITH RECURSIVE c AS (SELECT 1 UNION ALL SELECT 1 FROM c) SELECT count(*) FROM c',
  'SELECT 1; DELETE FROM host',
  'SELECT certname, certname FROM hosts',
  'SELECT nothing FROM hosts',
  'BEGIN',
  '',
];

test('fleet query: a statement that does more than read the views is refused', async (t) => {
  const lab = await synced(t);
  for (const sql of REFUSED) {
    const { json, exitCode, stdout } = await lab.mm(['fleet', 'query', sql, '--json']);
    assert.equal(ErrorAnswer.safeParse(json).data?.error.code, 'USAGE', `${sql}: ${stdout}`);
    assert.equal(exitCode, 2, sql);
  }
  const { json } = await lab.mm(['fleet', 'query', 'SELECT count(*) AS n FROM hosts', '--json']);
  assert.deepEqual(json.rows, [{ n: 2 }]);
});

test('fleet query: a statement that needs too long ends', async (t) => {
  const lab = await synced(t);
  let now = Date.now();
  const tables = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k'];
  const sql = `SELECT count(*) FROM ${tables.map((name) => `hosts AS ${name}`).join(', ')}`;
  const { json } = await lab.mm(['fleet', 'query', sql, '--json'], { now: () => (now += 40_000) });
  assert.match(ErrorAnswer.parse(json).error.message, /more than 60 s/);
});
