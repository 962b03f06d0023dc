import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counted } from '../../shared/counted.ts';

test('counted: one, none, many, a number with commas, and a plural of its own', () => {
  assert.equal(counted(1, 'host'), '1 host');
  assert.equal(counted(0, 'host'), '0 hosts');
  assert.equal(counted(2, 'host'), '2 hosts');
  assert.equal(counted('1,000', 'host'), '1,000 hosts');
  assert.equal(counted(1, 'status', 'statuses'), '1 status');
  assert.equal(counted(3, 'status', 'statuses'), '3 statuses');
});
