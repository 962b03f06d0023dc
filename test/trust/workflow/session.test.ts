import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { test } from 'node:test';
import { environmentPaths } from '../../../trust/metadata/role-names.ts';
import { TufSimulator } from '../../support/tuf/simulator.ts';
import { SimulatedHost } from '../../support/tuf/simulator-host.ts';
import { keyTable, newKey, type SimulatedKey } from '../../support/tuf/simulator-keys.ts';

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

test('a role to which two delegate is verified by the keys of each', async () => {
  const repository = new TufSimulator();
  const [signing, other] = [newKey(), newKey()];
  const shared = ({ keyId }: SimulatedKey, path: string) => ({
    name: 'shared',
    keyids: [keyId],
    threshold: 1,
    terminating: true,
    paths: [path],
  });
  const stable = repository.role('stable');
  const document = { ...structuredClone(stable), targets: {} };
  stable.delegations = {
    keys: keyTable([signing]),
    roles: [shared(signing, 'stable/next')],
  };
  const { delegations } = repository.targets;
  Object.assign(delegations!.keys, keyTable([other]));
  delegations!.roles = delegations!.roles.filter(({ name }) => name !== 'env-testing');
  delegations!.roles.push(shared(other, environmentPaths('testing')));
  repository.roles.set('shared', document);
  repository.signers.set('shared', [signing]);
  repository.release('stable', '1.0.0');
  repository.commit(['shared', 'env-stable', 'targets']);
  await using host = await SimulatedHost.create(repository);
  assert.equal(await host.stableVersion(), '1.0.0');
  host.environments = ['stable', 'testing'];
  await assert.rejects(host.refresh({ etag: undefined }), { code: 'METADATA_UNSIGNED' });
});
