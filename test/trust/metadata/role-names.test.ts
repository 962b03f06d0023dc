import assert from 'node:assert/strict';
import { test } from 'node:test';
import { baseRole, roleFile, roleWord } from '../../../trust/metadata/role-names.ts';
import { TufSimulator } from '../../support/tuf/simulator.ts';
import { SimulatedHost } from '../../support/tuf/simulator-host.ts';
import { sha256, signDocument } from '../../support/tuf/simulator-keys.ts';

/** A name that a holder of the targets key may give a role, and the file that stores it. */
const NAMES: Readonly<Record<string, string>> = {
  '../../climbed': '%2E%2E%2F%2E%2E%2Fclimbed.json',
  '/etc/climbed': '%2Fetc%2Fclimbed.json',
  '..': '%2E%2E.json',
  '2.root': '2%2Eroot.json',
  'env-ünlich': 'env-%C3%BCnlich.json',
};

/** Renames the role of `testing`. */
function rename(repository: TufSimulator, name: string): void {
  const role = repository.targets.delegations?.roles.find(({ name }) => name === 'env-testing');
  assert.ok(role);
  role.name = name;
  const signers = repository.signers.get('env-testing') ?? [];
  const bytes = signDocument({ ...repository.role('testing'), version: 1 }, signers);
  repository.files.set(`1.${encodeURIComponent(name)}.json`, bytes);
  const hashes = { sha256: sha256(bytes) };
  repository.snapshot.meta[`${name}.json`] = { version: 1, length: bytes.length, hashes };
  repository.commit(['targets']);
}

for (const [name, file] of Object.entries(NAMES)) {
  test(`a role called ${name} is stored as ${file}, and found there`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.polled(repository);
    host.environments = ['testing'];
    rename(repository, name);
    await host.refresh();
    const { files } = await host.onDisk();
    const others = ['1.root', 'snapshot', 'targets', 'timestamp'];
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
  rename(repository, 'x'.repeat(251));
  await assert.rejects(host.refresh(), { code: 'METADATA_INVALID' });
  assert.deepEqual(await host.onDisk(), before);
  assert.equal(roleFile('x'.repeat(250)).length, 255);
});

/** A role, the role without the number of a later beginning, and what people call it. */
const WORDS: readonly (readonly [role: string, base: string, word: string])[] = [
  ['env-stable', 'env-stable', 'stable'],
  ['env-stable-2', 'env-stable', 'stable'],
  ['env-2024', 'env-2024', '2024'],
  ['env-2024-2', 'env-2024', '2024'],
  ['env-env', 'env-env', 'env'],
  ['env-2024_-class', 'env-2024_-class', '2024_*'],
  ['env-2024_-class-12', 'env-2024_-class', '2024_*'],
  ['env-targets', 'env-targets', 'env-targets'],
  ['binaries', 'binaries', 'binaries'],
  ['binaries-2', 'binaries', 'binaries'],
  ['env-binaries', 'env-binaries', 'env-binaries'],
  ['timestamp', 'timestamp', 'online'],
];

test('I18 a role ends with the number of its beginning, or with the digits of its environment', () => {
  const found = WORDS.map(([role]) => [role, baseRole(role), roleWord(role)]);
  assert.deepEqual(found, WORDS);
});
