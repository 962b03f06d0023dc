import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentPaths } from '../../../trust/metadata/role-names.ts';
import { TufSimulator } from '../../support/tuf/simulator.ts';
import { SimulatedHost } from '../../support/tuf/simulator-host.ts';
import {
  keyTable,
  newKey,
  type SimulatedKey,
  signDocument,
} from '../../support/tuf/simulator-keys.ts';

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

const OTHER: Readonly<Record<string, (repository: TufSimulator, listed: string) => void>> = {
  'of other bytes': ({ files, signers, roles }, listed) => {
    const document = { ...roles.get('env-stable')!, 'x-a': 2 ** 61 };
    files.set(listed, signDocument(document, signers.get('env-stable')!));
  },
  'of another version': (repository, listed) => {
    const { version } = repository.role('stable');
    const { meta } = repository.snapshot;
    repository.files.set(`${version + 1}.env-stable.json`, repository.files.get(listed)!);
    meta['env-stable.json'] = { ...meta['env-stable.json']!, version: version + 1 };
    repository.writeSnapshot();
    repository.writeTimestamp();
  },
};

for (const [what, exchange] of Object.entries(OTHER)) {
  test(`row 5: a publisher reads past no file that the snapshot does not list: ${what}`, async () => {
    const repository = new TufSimulator();
    await using publisher = await SimulatedHost.polled(repository);
    const role = repository.role('stable');
    role['x-a'] = 2 ** 60;
    repository.commit(['env-stable']);
    const honest = new Map(repository.files);
    const read = { acceptUnreadable: true, etag: undefined };
    exchange(repository, `${role.version}.env-stable.json`);
    await assert.rejects(publisher.refresh(read), { name: 'CodedError' });
    repository.files = honest;
    const { trusted } = await publisher.refresh(read);
    assert.match(String(trusted.environments.get('stable')?.unreadable), /wanted an integer/);
  });
}
