import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentPaths } from '../../../trust/metadata/role-names.ts';
import { TufSimulator } from '../../support/tuf/simulator.ts';
import { SimulatedHost } from '../../support/tuf/simulator-host.ts';
import { keyTable, newKey, type SimulatedKey } from '../../support/tuf/simulator-keys.ts';

test('a role with two delegations is verified with the keys of each', async () => {
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
