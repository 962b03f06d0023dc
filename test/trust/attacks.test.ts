import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '../../shared/coded-error.ts';
import { TufSimulator } from '../support/tuf/simulator.ts';
import { ATTACKS } from '../support/tuf/simulator-attacks.ts';
import { SimulatedHost } from '../support/tuf/simulator-host.ts';
import type { Attack, Scene } from '../support/tuf/simulator-plays.ts';

for (const [name, attack] of Object.entries(ATTACKS)) {
  test(`attack ${name}`, async () => {
    const repository = new TufSimulator();
    await using host = await SimulatedHost.create(repository);
    const scene = await setTheScene(repository, host, attack);
    const honest = new Map(repository.files);
    const before = await host.onDisk();
    attack.play(scene);

    await assert.rejects(host.refresh({ timeoutMs: 200 }), (error) => isRefusal(error, attack));
    const after = await host.onDisk();
    assert.deepEqual(withoutRoots(after.files), withoutRoots(before.files), 'trusted files');
    if (attack.newRoot !== true) {
      assert.deepEqual(after.files, before.files, 'roots');
      assert.deepEqual(withoutRecord(after.names), withoutRecord(before.names), 'names');
    }
    if (attack.lasting === true || attack.newRoot === true) return;

    repository.files = honest;
    repository.source.faults.clear();
    const { trusted } = await host.refresh();
    assert.equal(trusted.environments.get('stable')?.current?.custom.version, '1.2.0');
  });
}

async function setTheScene(
  repository: TufSimulator,
  host: SimulatedHost,
  attack: Attack,
): Promise<Scene> {
  const poll = async () => {
    if (attack.fresh !== true) await host.refresh();
  };
  repository.publish('stable', '1.0.0');
  await poll();
  const earlier = new Map(repository.files);
  repository.publish('stable', '1.1.0');
  await poll();
  const seen = new Map(repository.files);
  // Removes the files that the previous refresh replaced, so that names can be compared.
  await poll();
  repository.release('stable', '1.2.0');
  repository.release('testing', '1.2.0-a-longer-one');
  repository.commit(['targets', 'env-stable', 'env-testing']);
  return { repository, host, seen, earlier };
}

function isRefusal(error: unknown, { code, role }: Attack): boolean {
  assert.ok(error instanceof CodedError, String(error));
  assert.equal(error.code, code, error.message);
  if (role !== undefined) assert.equal(error.details['role'], role);
  return true;
}

function withoutRoots(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).filter(([name]) => !name.endsWith('.root.json')));
}

/** The record of a fresh host: it may contain that a root was requested. */
function withoutRecord(names: readonly string[]): string[] {
  return names.filter((name) => name !== 'record.json');
}
