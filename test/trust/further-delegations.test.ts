import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBinaries } from '../../trust/binaries.ts';
import { BINARY_PATHS, binaryTarget } from '../../trust/metadata/role-names.ts';
import { TufSimulator } from '../support/tuf/simulator.ts';
import type { TargetsDocument } from '../support/tuf/simulator-documents.ts';
import { SimulatedHost } from '../support/tuf/simulator-host.ts';
import { keyTable, newKey, type SimulatedKey } from '../support/tuf/simulator-keys.ts';

/*
 * A thief of a role's key and of the online key delegates further. mm never does, and publishers
 * look at the file of the role only.
 */

const EVIL = { length: 1, hashes: { sha256: 'ab'.repeat(32) } };

/** The document delegates every path to a role of the thief, which lists the targets. */
function delegateFurther(
  repository: TufSimulator,
  document: TargetsDocument,
  targets: TargetsDocument['targets'],
): void {
  const key = newKey();
  document.delegations = {
    keys: keyTable([key]),
    roles: [
      {
        name: 'evil',
        keyids: [key.keyId],
        threshold: 1,
        terminating: true,
        paths: ['*/*', '*/*/*'],
      },
    ],
  };
  repository.signers.set('evil', [key]);
  repository.roles.set('evil', { ...document, version: 0, targets });
}

/** The role of binaries lists them. */
function delegateBinaries(
  repository: TufSimulator,
  key: SimulatedKey,
  targets: TargetsDocument['targets'],
): TargetsDocument {
  const { keys, roles } = repository.targets.delegations!;
  Object.assign(keys, keyTable([key]));
  const delegated = { keyids: [key.keyId], threshold: 1, terminating: true };
  roles.push({ name: 'binaries', ...delegated, paths: [BINARY_PATHS] });
  const document = { ...repository.role('stable'), version: 0, targets };
  repository.signers.set('binaries', [key]);
  repository.roles.set('binaries', document);
  return document;
}

async function binariesOn(host: SimulatedHost, { source }: TufSimulator, names: string[]) {
  const { directory, packagedRoot, now } = host;
  return await readBinaries({ directory, packagedRoot, clock: { now: () => now }, source, names });
}

test('attack 14b: what an environment delegates further is neither heard nor fetched', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  const targets = { 'stable/current': EVIL, 'stable/next': EVIL };
  delegateFurther(repository, repository.role('stable'), targets);
  repository.commit(['evil', 'env-stable']);
  const { trusted } = await host.refresh();
  const { current, next: rollout } = trusted.environments.get('stable')!;
  assert.deepEqual([current?.custom.version, rollout], ['1.0.0', undefined]);
  assert.deepEqual(
    repository.source.drainRequests().filter((file) => file.includes('evil')),
    [],
  );
});

test('attack 14b: what the role of binaries delegates further is neither heard nor fetched', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  const [own, evil] = ['own.deb', 'evil.deb'];
  const listed = { length: 5, hashes: { sha256: 'cd'.repeat(32) } };
  const binaries = delegateBinaries(repository, newKey(), { [binaryTarget(own)]: listed });
  delegateFurther(repository, binaries, { [binaryTarget(evil)]: EVIL });
  repository.commit(['targets', 'evil', 'binaries']);
  await host.refresh();
  repository.source.drainRequests();
  const found = await binariesOn(host, repository, [own, evil]);
  assert.deepEqual([...found], [[own, { sha256: 'cd'.repeat(32), length: 5 }]]);
  assert.deepEqual(repository.source.drainRequests(), ['1.binaries.json']);
});

test('binaries of a role without a file: unknown until the role is signed again', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  delegateBinaries(repository, newKey(), {});
  repository.commit(['targets']);
  await host.refresh();
  await assert.rejects(binariesOn(host, repository, ['own.deb']), {
    code: 'METADATA_MISSING',
    next: 'mm binaries put FILE',
  });
});
