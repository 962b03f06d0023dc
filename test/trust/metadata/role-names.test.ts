import assert from 'node:assert/strict';
import { test } from 'node:test';
import { roleFile } from '../../../trust/metadata/role-names.ts';
import { TufSimulator } from '../../support/tuf/simulator.ts';
import { SimulatedHost } from '../../support/tuf/simulator-host.ts';
import { keyTable, newKey, sha256, signDocument } from '../../support/tuf/simulator-keys.ts';

/** A role name that a holder of the key of `testing` may choose, and the file that stores it. */
const NAMES: Readonly<Record<string, string>> = {
  '../../climbed': '%2E%2E%2F%2E%2E%2Fclimbed.json',
  '/etc/climbed': '%2Fetc%2Fclimbed.json',
  '..': '%2E%2E.json',
  '2.root': '2%2Eroot.json',
  'env-ünlich': 'env-%C3%BCnlich.json',
};

function delegate(repository: TufSimulator, name: string): void {
  const key = newKey();
  const testing = repository.role('testing');
  const role = { name, keyids: [key.keyId], threshold: 1, terminating: true, paths: ['testing/*'] };
  testing.delegations = { keys: keyTable([key]), roles: [role] };
  const { delegations: _, ...document } = { ...testing, version: 1 };
  const bytes = signDocument(document, [key]);
  repository.files.set(`1.${encodeURIComponent(name)}.json`, bytes);
  const hashes = { sha256: sha256(bytes) };
  repository.snapshot.meta[`${name}.json`] = { version: 1, length: bytes.length, hashes };
  repository.commit(['env-testing']);
}

for (const [name, file] of Object.entries(NAMES)) {
  test(`a role called ${name} is stored as ${file}, and found there`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    host.environments = ['testing'];
    delegate(repository, name);
    await host.refresh();
    const { files } = await host.onDisk();
    const others = ['1.root', 'env-testing', 'snapshot', 'targets', 'timestamp'];
    const wanted = [...others.map((role) => `${role}.json`), file];
    assert.deepEqual(Object.keys(files).sort(), wanted.sort());
    repository.source.drainRequests();
    repository.writeTimestamp();
    await host.refresh();
    assert.deepEqual(repository.source.drainRequests(), ['timestamp.json', '2.root.json']);
    assert.deepEqual((await host.onDisk()).names.length, 4);
  });
}

test('a role whose name is too long for a file is refused, and the stored files stay', async () => {
  const repository = new TufSimulator();
  await using host = await SimulatedHost.polled(repository);
  host.environments = ['testing'];
  const before = await host.onDisk();
  delegate(repository, 'x'.repeat(251));
  await assert.rejects(host.refresh(), { code: 'METADATA_INVALID' });
  assert.deepEqual(await host.onDisk(), before);
  assert.equal(roleFile('x'.repeat(250)).length, 255);
});
