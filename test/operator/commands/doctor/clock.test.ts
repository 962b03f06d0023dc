import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkClock } from '../../../../operator/commands/doctor/clock.ts';

const NOW = Date.UTC(2026, 10, 29);
const FAR = Date.UTC(2099, 0, 1);
const RECORD = { anchor: 'a', rootVersion: 3, askedForRootAt: 1 };

test('row 9: mm doctor shows the floor, fails when it is ahead, and resets it', async (t) => {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'mm-clock-'));
  t.after(() => rm(stateDirectory, { recursive: true, force: true }));
  const path = join(stateDirectory, 'record.json');
  const check = (resetClock?: boolean) =>
    checkClock({ now: () => NOW }, { stateDirectory }, { resetClock });
  assert.deepEqual(check(), {
    name: 'clock floor',
    outcome: 'ok',
    message: 'nothing is kept',
    next: null,
  });
  await writeFile(path, JSON.stringify({ ...RECORD, clockFloor: NOW - 1000 }));
  assert.equal(check().outcome, 'ok');
  assert.match(check().message, /never before 2026-11-28T23:59:59/);
  await writeFile(path, JSON.stringify({ ...RECORD, clockFloor: FAR }));
  const failed = check();
  assert.equal(failed.outcome, 'failed');
  assert.match(failed.message, /2099-01-01.*ahead/);
  assert.match(failed.next ?? '', /mm doctor --reset-clock/);
  assert.match(check(true).message, /forgot 2099-01-01/);
  const kept = JSON.parse(await readFile(path, 'utf8'));
  assert.deepEqual(kept, { ...RECORD, clockFloor: 0, named: [] });
  assert.equal(check(true).message, 'nothing is kept');
});
