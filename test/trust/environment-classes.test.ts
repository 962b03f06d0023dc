import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TufSimulator } from '../support/tuf/simulator.ts';
import { SimulatedHost } from '../support/tuf/simulator-host.ts';
import { newKey } from '../support/tuf/simulator-keys.ts';

const CLASS = 'env-feature_-class';

/** A tree where a key of its own signs the class `feature_*`. */
function withClass(): TufSimulator {
  const repository = new TufSimulator();
  repository.delegate('feature_*', newKey());
  repository.commit(['targets', CLASS]);
  return repository;
}

/** The class lists a release under the path, as the holder of its key could. */
function list(repository: TufSimulator, path: string, version: string): void {
  repository.release('stable', version);
  const { targets } = repository.role('stable');
  repository.roles.get(CLASS)!.targets[path] = targets['stable/current']!;
}

async function versionOf(host: SimulatedHost, environment: string): Promise<string | undefined> {
  const { trusted } = await host.refresh({ environments: [environment] });
  return trusted.environments.get(environment)?.current?.custom.version;
}

test('classes: a host follows a new environment of a class, and targets is not signed again', async () => {
  const repository = withClass();
  await using host = await SimulatedHost.create(repository);
  assert.equal(await versionOf(host, 'feature_x_1'), undefined);
  const { version } = repository.targets;
  list(repository, 'feature_x_1/current', '1.0.0');
  repository.commit([CLASS]);
  assert.equal(await versionOf(host, 'feature_x_1'), '1.0.0');
  assert.equal(repository.targets.version, version);
});

const elsewhere = [
  'stable/current',
  'stable/next',
  'testing/current',
  'feature/current',
  'feature_/../stable/current',
  '*/current',
];
for (const path of elsewhere) {
  test(`I21 the key of a class lists ${path}, and no host of another environment hears it`, async () => {
    const repository = withClass();
    for (const environment of ['stable', 'testing']) repository.publish(environment, '1.0.0');
    const honest = structuredClone(repository.role('stable').targets);
    await using host = await SimulatedHost.create(repository);
    list(repository, path, '6.6.6');
    repository.role('stable').targets = honest;
    repository.commit([CLASS]);
    for (const environment of ['stable', 'testing']) {
      const { trusted } = await host.refresh({ environments: [environment] });
      const { role, current, next } = trusted.environments.get(environment)!;
      assert.deepEqual(
        [role, current?.custom.version, next],
        [`env-${environment}`, '1.0.0', undefined],
      );
    }
    assert.equal(await versionOf(host, 'feature'), undefined);
  });
}

for (const order of ['before', 'after'] as const) {
  test(`I21 an environment with its own role, listed ${order} a class that covers it, is refused`, async () => {
    const repository = new TufSimulator({ environments: ['stable', 'feature_x'] });
    repository.publish('feature_x', '1.0.0');
    await using host = await SimulatedHost.create(repository);
    assert.equal(await versionOf(host, 'feature_x'), '1.0.0');
    const before = await host.onDisk();

    // mm never signs such a targets, but other programs do.
    repository.delegate('feature_*', newKey());
    list(repository, 'feature_x/current', '6.6.6');
    if (order === 'after') repository.targets.delegations!.roles.reverse();
    repository.commit(['targets', CLASS]);
    await assert.rejects(versionOf(host, 'feature_x'), { code: 'METADATA_INVALID' });
    assert.deepEqual((await host.onDisk()).files, before.files);
    assert.equal(await versionOf(host, 'stable'), undefined);
  });
}

test('I21 a class that covers only the next release of an environment is refused as well', async () => {
  const repository = new TufSimulator();
  repository.publish('stable', '1.0.0');
  repository.delegate('feature_*', newKey());
  const role = repository.targets.delegations!.roles.find(({ name }) => name === CLASS)!;
  role.paths = ['feature_*/*', '*/next'];
  list(repository, 'stable/next', '6.6.6');
  repository.commit(['targets', CLASS]);
  await using host = await SimulatedHost.create(repository);
  await assert.rejects(versionOf(host, 'stable'), { code: 'METADATA_INVALID' });
});
