import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { build } from 'esbuild';
import { questions } from '../../../../bench/fleet/questions.ts';
import { snapshotDayKey } from '../../../../bucket/layout.ts';
import { FleetAthenaAnswer } from '../../../../operator/commands/fleet/fleet-answers.ts';
import { ATHENA_VIEWS } from '../../../../operator/fleet/athena/views.ts';
import { defineTerminated } from '../../../../operator/fleet/host-state.ts';
import { PROBLEM_KINDS } from '../../../../operator/fleet/problem-hosts.ts';
import { HOST_TYPES } from '../../../../operator/fleet/snapshot/host-types.ts';
import { TABLES } from '../../../../operator/fleet/tables.ts';
import { VIEWS } from '../../../../operator/fleet/views.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';
import { initialized } from '../../operator-lab.ts';

interface Parser {
  validate(sql: string): readonly unknown[];
}

/** The grammars of Hive and Trino. The package has modules that only a bundler can resolve. */
async function parsers(
  directory: string,
): Promise<Record<'HiveSQL' | 'TrinoSQL', new () => Parser>> {
  const outfile = join(directory, 'parsers.mjs');
  const contents = `export { HiveSQL } from 'dt-sql-parser/dist/parser/hive/index.js';
    export { TrinoSQL } from 'dt-sql-parser/dist/parser/trino/index.js';`;
  const stdin = { contents, resolveDir: import.meta.dirname };
  await build({ stdin, outfile, bundle: true, format: 'esm', platform: 'node', logLevel: 'error' });
  return await import(outfile);
}

test('fleet athena: each statement and question is valid SQL', async (t) => {
  const lab = await initialized(t);
  const { HiveSQL, TrinoSQL } = await parsers(await temporaryDirectory(t));
  /** Athena reads DDL of tables as Hive does, and everything else as Trino does. */
  const problemsOf = (sql: string): readonly unknown[] => {
    const parser = /^CREATE (DATABASE|EXTERNAL)/.test(sql) ? new HiveSQL() : new TrinoSQL();
    return parser.validate(`${sql};`);
  };
  const { json } = await lab.mm(['fleet', 'athena', '--json']);
  const answer = FleetAthenaAnswer.parse(json);
  for (const sql of [...answer.setUp, ...answer.questions.map((each) => each.sql)]) {
    assert.deepEqual(problemsOf(sql), [], sql);
  }
  assert.notDeepEqual(problemsOf('SELECT FROM WHERE'), [], 'the parser refuses what is wrong');
  assert.match(answer.setUp.join('\n'), /LOCATION 's3:\/\/fleet\/ubuntu\/status\/hosts\/'/);
  const [, template] =
    /'storage[.]location[.]template' = '([^']+)'/.exec(answer.setUp.join('\n')) ?? [];
  const day = `s3://fleet/${snapshotDayKey('ubuntu', '2026-11-30')}`;
  assert.equal(`${template?.replace(/[$][{]dt[}]/, '2026-11-30')}hosts.parquet`, day);
  const { stdout } = await lab.mm(['fleet', 'athena']);
  for (const sql of answer.setUp) assert.ok(stdout.includes(sql), sql);
  assert.equal((await lab.mm(['fleet', 'athena', '--database', 'a;b'])).exitCode, 2);
});

test('fleet athena: the views of the copy, with the same columns', () => {
  using database = new DatabaseSync(':memory:');
  database.exec(TABLES);
  defineTerminated(database, undefined);
  database.function('mm_in_time', { varargs: true }, () => 1);
  database.exec(VIEWS);
  const names = [...VIEWS.matchAll(/VIEW (\w+)/g)].map(([, name = '']) => name);
  const copied = names
    // Athena has no copy.
    .filter((name) => name !== 'last_sync')
    .map((name) => [
      name,
      database
        .prepare(`SELECT * FROM ${name}`)
        .columns()
        .map((column) => column.name),
    ]);
  const athena = ATHENA_VIEWS.map(({ name, columns }) => [name, columns.map(([each]) => each)]);
  assert.deepEqual(athena, copied);
  const [[, hosts] = []] = athena;
  assert.deepEqual([...Object.keys(HOST_TYPES), 'status'], hosts, 'those of hosts_by_day');
});

test('fleet athena: every question of the copy has its SQL', async (t) => {
  const lab = await initialized(t);
  const answer = FleetAthenaAnswer.parse((await lab.mm(['fleet', 'athena', '--json'])).json);
  const asked = answer.questions.map(({ words }) => words);
  for (const kind of PROBLEM_KINDS) assert.ok(asked.includes(`problems ${kind}`), kind);
  for (const [command = '', option] of questions('web1')) {
    const start =
      option?.startsWith('--') === true && command === 'hosts' ? `${command} ${option}` : command;
    assert.ok(
      asked.some((words) => words.startsWith(start)),
      start,
    );
  }
});
