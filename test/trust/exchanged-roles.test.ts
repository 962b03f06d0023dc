import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TufSimulator } from '../support/tuf/simulator.ts';
import { SimulatedHost } from '../support/tuf/simulator-host.ts';
import { exchange } from '../support/tuf/simulator-plays.ts';

/*
 * Roles that share keys: a signature does not tell their files apart. A thief of the online key who
 * writes the bucket can list the file of one role as the newest one of another.
 */

/** Stable and testing by one key; testing is ahead, so that its file is not older. */
function sharedKeys(): TufSimulator {
  const repository = new TufSimulator();
  repository.delegate('testing', repository.keys.release);
  repository.role('testing').version = 10;
  repository.release('testing', '9.9.9');
  repository.commit(['targets', 'env-testing']);
  return repository;
}

function named(repository: TufSimulator, environment: string): void {
  repository.role(environment)['x-role'] = `env-${environment}`;
}

test('I22 the file of another role is refused, by a new host as well', async () => {
  const repository = sharedKeys();
  named(repository, 'testing');
  repository.commit(['env-testing']);
  await using host = await SimulatedHost.create(repository);
  exchange(repository, 'testing', 'stable');
  await assert.rejects(host.refresh(), { code: 'METADATA_MISMATCH' });
});

test('I22 a file without a name does not follow one that has a name', async () => {
  const repository = sharedKeys();
  named(repository, 'stable');
  await using host = await SimulatedHost.polled(repository);
  const before = await host.onDisk();
  const honest = new Map(repository.files);
  exchange(repository, 'testing', 'stable');
  await assert.rejects(host.refresh(), { code: 'METADATA_MISMATCH' });
  assert.deepEqual(await host.onDisk(), before);
  repository.files = honest;
  repository.publish('stable', '1.1.0');
  assert.equal(await host.stableVersion(), '1.1.0');
});

test('I22 that a file had a name is known after the host has followed another environment', async () => {
  const repository = sharedKeys();
  named(repository, 'stable');
  await using host = await SimulatedHost.polled(repository);
  host.environments = ['testing'];
  await host.refresh();
  await host.refresh();
  host.environments = ['stable'];
  const honest = new Map(repository.files);
  exchange(repository, 'testing', 'stable');
  await assert.rejects(host.refresh(), { code: 'METADATA_MISMATCH' });
  repository.files = honest;
  assert.equal(await host.stableVersion(), '1.0.0');
});

test('I22 files of an mm that names no roles stay valid, and named ones follow', async () => {
  const repository = sharedKeys();
  await using host = await SimulatedHost.polled(repository);
  repository.publish('stable', '1.1.0');
  assert.equal(await host.stableVersion(), '1.1.0');
  named(repository, 'stable');
  repository.publish('stable', '1.2.0');
  assert.equal(await host.stableVersion(), '1.2.0');
});
