import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TufSimulator } from '../support/tuf/simulator.ts';
import { SimulatedHost } from '../support/tuf/simulator-host.ts';
import { keyTable, newKey } from '../support/tuf/simulator-keys.ts';

/*
 * A thief of an environment's key and of the online key delegates further. mm never does, and
 * publishers look at the file of the environment's role only.
 */

test('attack 14b: what an environment delegates further is neither heard nor fetched', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  const key = newKey();
  const stable = repository.role('stable');
  const evil = { length: 1, hashes: { sha256: 'ab'.repeat(32) } };
  const targets = { 'stable/current': evil, 'stable/next': evil };
  stable.delegations = {
    keys: keyTable([key]),
    roles: [{ name: 'evil', keyids: [key.keyId], threshold: 1, terminating: true, paths: ['*/*'] }],
  };
  repository.signers.set('evil', [key]);
  repository.roles.set('evil', { ...stable, version: 0, targets });
  repository.commit(['evil', 'env-stable']);
  const { trusted } = await host.refresh();
  const { current, next: rollout } = trusted.environments.get('stable')!;
  assert.deepEqual([current?.custom.version, rollout], ['1.0.0', undefined]);
  assert.deepEqual(
    repository.source.drainRequests().filter((file) => file.includes('evil')),
    [],
  );
});
