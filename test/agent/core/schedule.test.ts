import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs, dueAfter, slotMs } from '../../../agent/core/schedule.ts';

const MINUTE = 60_000;
const position = { previous: 0, next: 30 * MINUTE, intervalMs: 30 * MINUTE };

test('slot: always the same for a certname, spread over the interval', () => {
  const slots = Array.from({ length: 1000 }, (_, i) => slotMs(`host${i}.example.com`, 30 * MINUTE));
  assert.deepEqual(slots[7], slotMs('host7.example.com', 30 * MINUTE));
  const quarters = [0, 1, 2, 3].map(
    (quarter) => slots.filter((slot) => Math.floor(slot / (7.5 * MINUTE)) === quarter).length,
  );
  for (const count of quarters) assert.ok(count > 200 && count < 300, `uneven: ${quarters}`);
});

test('slot: a daily schedule is spread over an hour, not over the day', () => {
  const slots = Array.from({ length: 500 }, (_, i) => slotMs(`h${i}`, 24 * 60 * MINUTE));
  assert.ok(Math.max(...slots) < 60 * MINUTE);
});

test('due: the slot of the current interval counts until it has passed, then the next one', () => {
  const name = 'web1.example.com';
  const slot = slotMs(name, position.intervalMs);
  assert.equal(dueAfter(position, name, slot - 1), slot);
  assert.equal(dueAfter(position, name, slot), 30 * MINUTE + slot);
});

test('due: without a match one interval ago, only the next match counts', () => {
  const name = 'web1.example.com';
  const slot = slotMs(name, position.intervalMs);
  assert.equal(dueAfter({ ...position, previous: undefined }, name, 0), 30 * MINUTE + slot);
});

test('backoff: grows to half an hour, never below five seconds, honours Retry-After', () => {
  assert.equal(backoffMs(1, 0.5), 30_000);
  assert.equal(backoffMs(3, 0.5), 120_000);
  assert.equal(backoffMs(50, 0.999_999), 30 * MINUTE - 2);
  assert.equal(backoffMs(1, 0), 5000);
  assert.equal(backoffMs(1, 0, 90_000), 90_000);
  assert.equal(backoffMs(1, 0.5, 90_000), 120_000, 'a fleet does not come back at one moment');
  assert.equal(backoffMs(1, 0, 10 * 3_600_000), 3_600_000, 'and is bounded');
});
