import assert from 'node:assert/strict';
import { lstatSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ErrorAnswer } from '../../../../operator/answers.ts';
import { FleetSyncAnswer } from '../../../../operator/commands/fleet/fleet-answers.ts';
import { sampleStatus } from '../../../support/status-sample.ts';
import { BUCKET, initialized } from '../../operator-lab.ts';

/** What a bad disk, or a person, can do to a copy. */
const DAMAGES: Readonly<Record<string, (file: string) => void>> = {
  'is cut off': (file) => truncateSync(file, lstatSync(file).size >> 2),
  'has another table': (file) => change(file, 'ALTER TABLE host RENAME COLUMN certname TO name'),
  'has another text': (file) => change(file, `UPDATE host SET "groups" = '["'`),
};

function change(file: string, sql: string): void {
  using database = new DatabaseSync(file);
  database.exec(sql);
}

test('fleet: a copy that was damaged is no defect of mm, and can be made again', async (t) => {
  const lab = await initialized(t);
  const certname = 'web1';
  const key = `ubuntu/status/hosts/${certname}.json`;
  lab.server.put(BUCKET, key, JSON.stringify({ ...sampleStatus, certname }));
  for (const [name, damage] of Object.entries(DAMAGES)) {
    const { file } = FleetSyncAnswer.parse((await lab.mm(['fleet', 'sync', '--json'])).json);
    damage(file);
    const { json, stderr } = await lab.mm(['fleet', 'report', '--json']);
    const { code, next } = ErrorAnswer.parse(json).error;
    assert.equal(code, 'STATE_MISSING', `${name}: ${stderr}`);
    assert.match(String(next), /mm fleet sync/, name);
    if (String(next).startsWith('remove the file')) rmSync(file);
  }
  assert.equal((await lab.mm(['fleet', 'sync'])).exitCode, 0);
  assert.equal((await lab.mm(['fleet', 'hosts'])).exitCode, 0);
});

test('fleet: the copy of another bucket or endpoint answers nothing', async (t) => {
  const lab = await initialized(t);
  const certname = 'web1';
  const key = `ubuntu/status/hosts/${certname}.json`;
  lab.server.put(BUCKET, key, JSON.stringify({ ...sampleStatus, certname }));
  await lab.mm(['fleet', 'sync']);
  const config = join(lab.repository, 'miyamoto.yaml');
  const before = readFileSync(config, 'utf8');
  const changes = {
    bucket: before.replace(/^bucket: .*$/m, 'bucket: other'),
    endpoint: before.replace('127.0.0.1', '127.0.0.2'),
  };
  for (const [name, text] of Object.entries(changes)) {
    assert.notEqual(text, before, name);
    writeFileSync(config, text);
    const { json } = await lab.mm(['fleet', 'hosts', '--json']);
    assert.equal(ErrorAnswer.parse(json).error.code, 'STATE_MISSING', name);
  }
  writeFileSync(config, before);
  const { file, fetched } = FleetSyncAnswer.parse((await lab.mm(['fleet', 'sync', '--json'])).json);
  assert.equal(fetched, 0, 'the copy is of this bucket again');
  using database = new DatabaseSync(file);
  database.exec("UPDATE sync SET bucket = 'other'");
  const other = FleetSyncAnswer.parse((await lab.mm(['fleet', 'sync', '--json'])).json);
  assert.equal(other.fetched, 1, 'no status of another bucket is kept');
});
