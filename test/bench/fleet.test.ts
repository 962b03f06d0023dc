import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAILING, madeStatus } from '../../bench/fleet/statuses.ts';
import { readStatusDocument } from '../../operator/repository/host-documents.ts';

test('bench fleet: the generated statuses are those of different, mostly healthy hosts', () => {
  const made = Array.from({ length: 200 }, (_, number) => madeStatus(number, 0, Date.now()));
  for (const { certname, status } of made) {
    const bytes = Buffer.from(JSON.stringify(status));
    assert.deepEqual(readStatusDocument(bytes, { certname, key: certname }), status);
    assert.ok(bytes.length > 1500 && bytes.length < 3000, `${bytes.length} bytes`);
  }
  assert.equal(new Set(made.map(({ certname }) => certname)).size, made.length);
  const failed = made.filter(({ status }) => status.run?.status === 'failed').length;
  assert.ok(failed > 0 && failed < 20, `${failed} failed`);
  assert.equal(madeStatus(FAILING, 0, 0).status.run?.status, 'failed');
});
