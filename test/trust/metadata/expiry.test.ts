import assert from 'node:assert/strict';
import { test } from 'node:test';
import { daysToExpiry, expiredRoles } from '../../../trust/metadata/expiry.ts';

const T = Date.parse('2040-01-10T00:00:00Z');
const DAY_MS = 86_400_000;

test('a role has expired at the exact instant, and when the instant cannot be parsed', () => {
  const expires = { root: '2040-01-10T00:00:01Z', timestamp: '2040-01-10T00:00:00Z', x: 'never' };
  assert.deepEqual(expiredRoles(expires, T), ['timestamp', 'x']);
  assert.deepEqual(expiredRoles(expires, T - 1), ['x']);
});

test('days to expiry are whole days, negative once expired', () => {
  const expires = { timestamp: '2040-01-10T00:00:00Z' };
  assert.deepEqual(daysToExpiry(expires, T - 36 * 3_600_000), { timestamp: 1 });
  assert.deepEqual(daysToExpiry(expires, T + 1), { timestamp: -1 });
  assert.deepEqual(daysToExpiry(expires, T + DAY_MS), { timestamp: -1 });
});
