import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startHeartbeat } from '../../../../agent/io/daemon/heartbeat.ts';

const MINUTE = 60_000;

test('heartbeat: a phase beyond its time limit counts as not alive', () => {
  let now = 0;
  const heartbeat = startHeartbeat(() => now);
  heartbeat.allow(10 * MINUTE);
  now = 14 * MINUTE;
  assert.ok(heartbeat.isAlive());
  now = 15 * MINUTE;
  assert.ok(!heartbeat.isAlive());
  heartbeat.allow(MINUTE);
  assert.ok(heartbeat.isAlive());
});

test('heartbeat: a loop that never starts counts as not alive after 5 minutes', () => {
  let now = 0;
  const heartbeat = startHeartbeat(() => now);
  now = 5 * MINUTE - 1;
  assert.ok(heartbeat.isAlive());
  now += 1;
  assert.ok(!heartbeat.isAlive());
});
