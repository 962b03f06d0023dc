import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startLiveness } from '../../../../agent/io/daemon/liveness.ts';

const MINUTE = 60_000;

test('liveness: a phase beyond its time limit counts as not alive', () => {
  let now = 0;
  const liveness = startLiveness(() => now);
  liveness.allow(10 * MINUTE);
  now = 14 * MINUTE;
  assert.ok(liveness.isAlive());
  now = 15 * MINUTE;
  assert.ok(!liveness.isAlive());
  liveness.allow(MINUTE);
  assert.ok(liveness.isAlive());
});

test('liveness: a loop that never starts counts as not alive after 5 minutes', () => {
  let now = 0;
  const liveness = startLiveness(() => now);
  now = 5 * MINUTE - 1;
  assert.ok(liveness.isAlive());
  now += 1;
  assert.ok(!liveness.isAlive());
});
