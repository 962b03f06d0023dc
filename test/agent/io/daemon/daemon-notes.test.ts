import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type DaemonNote,
  parseDaemonNote,
  runPlannedBefore,
} from '../../../../agent/core/status/daemon-note.ts';
import { daemonNotes } from '../../../../agent/io/daemon/daemon-notes.ts';
import { VERSION } from '../../../../agent/program/version.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const AT = Date.parse('2026-11-29T10:00:00.000Z');

test('daemon notes: what a turn did, and when the next one is due', async (t) => {
  const path = join(await temporaryDirectory(t), 'last-check');
  const said: string[] = [];
  const notifier = { status: (text: string) => void said.push(text) };
  const notes = daemonNotes(path, { clock: new FakeClock(AT), notifier });
  notes.answered();
  notes.polled({ kind: 'idle' });
  notes.planned({ pollAt: AT + 300_000, applyAt: Number.POSITIVE_INFINITY });
  assert.deepEqual(parseDaemonNote(await readFile(path, 'utf8')), {
    lastPollAt: '2026-11-29T10:00:00.000Z',
    lastPoll: 'nothing new',
    nextPollAt: '2026-11-29T10:05:00.000Z',
    nextRunAt: null,
    daemonVersion: VERSION,
  });
  notes.polled({ kind: 'failed', error: 'S3_UNREACHABLE' });
  notes.cycleStarts('apply');
  notes.cycleEnded('apply', 'S3_UNREACHABLE');
  notes.planned({ pollAt: AT + 60_000, applyAt: AT + 120_000 });
  const note = parseDaemonNote(await readFile(path, 'utf8'));
  assert.deepEqual(
    [note.lastPoll, note.nextRunAt],
    ['the poll failed with S3_UNREACHABLE', '2026-11-29T10:02:00.000Z'],
  );
  assert.deepEqual(said, [
    'nothing new at 2026-11-29T10:00:00Z; next poll at 2026-11-29T10:05:00Z',
    'a cycle is under way (apply) since 2026-11-29T10:00:00Z',
    'last cycle (apply) ended with S3_UNREACHABLE at 2026-11-29T10:00:00Z; next poll at 2026-11-29T10:01:00Z',
  ]);
});

test('daemon notes: a file that cannot be written does not end the daemon', async (t) => {
  const path = join(await temporaryDirectory(t), 'last-check');
  await mkdir(path);
  const notes = daemonNotes(path, {
    clock: new FakeClock(AT),
    notifier: { status: () => undefined },
  });
  notes.planned({ pollAt: AT, applyAt: AT });
});

const NOTE: DaemonNote = {
  ...parseDaemonNote(undefined),
  nextRunAt: new Date(AT).toISOString(),
  daemonVersion: '0.1.0',
};
const successors: Record<
  string,
  { note?: Partial<DaemonNote>; version: string; planned: boolean }
> = {
  'a newer version keeps the planned run': { version: '0.2.0', planned: true },
  'an older version keeps it': { version: '0.0.9', planned: true },
  'the same version was only restarted': { version: '0.1.0', planned: false },
  'no run was planned': { note: { nextRunAt: null }, version: '0.2.0', planned: false },
  'no daemon has left a note': { note: { daemonVersion: null }, version: '0.2.0', planned: false },
};
for (const [name, { note, version, planned }] of Object.entries(successors)) {
  test(`daemon notes: ${name}`, () => {
    assert.equal(runPlannedBefore({ ...NOTE, ...note }, version), planned ? AT : undefined);
  });
}
