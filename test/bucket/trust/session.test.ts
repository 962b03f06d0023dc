import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { test } from 'node:test';
import { TufSimulator } from '../../support/tuf-simulator.ts';
import { SimulatedHost } from '../../support/tuf-simulator-host.ts';

test('with nothing new each signature below the root is verified once, for all releases that are looked up', async (t) => {
  const repository = new TufSimulator();
  repository.publish('stable', '1.0.0');
  await using host = await SimulatedHost.create(repository);
  await host.refresh();
  const { mock } = t.mock.method(crypto, 'verify');
  await host.refresh();
  const verified = mock.calls.map(({ arguments: [, bytes, , signature] }) => ({
    type: JSON.parse(String(bytes))._type as string,
    signature: Buffer.from(signature as Uint8Array).toString('hex'),
  }));
  const below = verified.filter(({ type }) => type !== 'root');
  const types = new Set(below.map(({ type }) => type));
  assert.deepEqual([...types], ['timestamp', 'snapshot', 'targets']);
  assert.equal(new Set(below.map(({ signature }) => signature)).size, below.length);
});
