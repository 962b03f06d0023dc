import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { addToHistory, readHistory, thinned } from '../../../operator/fleet/history.ts';
import { FleetStore } from '../../../operator/fleet/store.ts';
import { sampleStatus } from '../../support/status-sample.ts';

const PLACE = { endpoint: undefined, bucket: 'fleet', tree: 'ubuntu' };
const HOUR = 3_600_000;
const NOW = Date.parse('2026-11-30T12:30:00Z');
const point = (at: number) => ({ at: new Date(at).toISOString(), hosts: { unchanged: 1 } });

test('history: keeps the last point of an hour, later of a day, however often somebody syncs', () => {
  const points = [];
  for (let at = NOW - 500 * 24 * HOUR; at <= NOW; at += HOUR / 4) points.push(point(at));
  const kept = thinned(points, NOW);
  assert.ok(kept.length <= 14 * 24 + 400, String(kept.length));
  assert.deepEqual(kept.at(-1), point(NOW));
  assert.deepEqual(kept.at(-2), point(Date.parse('2026-11-30T11:45:00Z')));
  const [first] = kept;
  assert.ok(Date.parse(first?.at ?? '') >= NOW - 400 * 24 * HOUR);
  assert.deepEqual(thinned(kept, NOW), kept);
});

test('history: a point of a clock that was ahead goes', () => {
  assert.deepEqual(thinned([point(NOW + HOUR), point(NOW)], NOW), [point(NOW)]);
});

test('history: counts each host once, and only for its own place', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'miyamoto-test-'));
  t.after(() => rm(directory, { recursive: true }));
  using store = FleetStore.open(join(directory, 'fleet.sqlite'), PLACE, { onNew: () => undefined });
  const hosts = {
    healthy: {},
    gone: { receivedAt: NOW - 3 * HOUR },
    off: { disabled: { reason: 'migration', by: null, until: null } },
    fresh: { run: null },
  };
  store.write(() => {
    for (const [certname, { receivedAt = NOW, ...more }] of Object.entries<
      Partial<typeof sampleStatus> & { receivedAt?: number }
    >(hosts)) {
      const status = { ...sampleStatus, certname, ...more };
      const host = { certname, receivedAt, status, problem: undefined };
      store.put({ file: `${certname}.json`, etag: '', host });
    }
    const problem = { kind: 'invalid' as const, message: 'no JSON' };
    const host = { certname: 'bad', receivedAt: NOW, status: undefined, problem };
    store.put({ file: 'bad.json', etag: '', host });
  });
  addToHistory(directory, PLACE, { store, now: NOW });
  const states = { unchanged: 1, silent: 1, disabled: 1, 'no-run': 1, unreadable: 1 };
  assert.deepEqual(readHistory(directory, PLACE), [
    { at: new Date(NOW).toISOString(), hosts: states },
  ]);
  assert.deepEqual(readHistory(directory, { ...PLACE, bucket: 'other' }), []);
  writeFileSync(join(directory, 'history.json'), '{"schemaVersion":1,"points":[');
  assert.deepEqual(readHistory(directory, PLACE), []);
});
