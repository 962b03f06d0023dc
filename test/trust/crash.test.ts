import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { bundleProgram } from '../../packaging/bundle.ts';
import { readTrusted, refresh } from '../../trust/reader.ts';
import { PROJECT } from '../support/project-files.ts';
import { sampleOf } from '../support/soak.ts';
import { SIMULATED_NOW, TufSimulator } from '../support/tuf/simulator.ts';

const CHILD = 'test/support/tuf/simulator-crash-child.ts';
const STATES = 40;
/** The state of the bucket when the process is killed. */
const KILLED_AT = sampleOf(Array(STATES).keys(), 4);
/** Longer than a refresh takes, so that the kills hit every step of it. */
const LONGEST_LIFE_MS = 40;

test(`I4 killed ${KILLED_AT.length} times at any moment, the trust directory is complete and never older`, async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'mm-crash-'));
  try {
    const repository = await writeHistory(folder);
    const child = await bundledChild(folder);
    const directory = join(folder, 'trust');
    const packagedRoot = repository.files.get('1.root.json')!;
    const clock = { now: () => SIMULATED_NOW };
    const known = { directory, packagedRoot, environments: ['stable'], clock };
    let seen: Readonly<Record<string, number>> = {};
    let leftovers = 0;
    for (const state of KILLED_AT) {
      await liveAndDie(child, [folder, directory, String(state)]);
      if ((await readdir(directory)).some((name) => name.endsWith('.tmp'))) leftovers += 1;
      const trusted = await readTrusted(known);
      assert.ok(trusted !== undefined, `nothing usable after a kill in state ${state}`);
      for (const [role, version] of Object.entries(seen)) {
        assert.ok(trusted.versions[role]! >= version, `${role} went back in state ${state}`);
      }
      seen = trusted.versions;
    }
    context.diagnostic(
      `root ${seen['root']}, timestamp ${seen['timestamp']}, ${leftovers} links left`,
    );
    assert.ok(seen['root']! > 3 && seen['timestamp']! > 20, 'the history was walked');
    await refresh({ ...known, source: repository.source, etag: undefined });
    const { etag } = await refresh({ ...known, source: repository.source, etag: undefined });
    await refresh({ ...known, source: repository.source, etag });
    const names = (await readdir(directory)).map((name) => name.replace(/-.*/, ''));
    assert.deepEqual(
      names.sort(),
      ['current', 'generation', 'record.json'],
      'leftovers are cleared',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** Many states of the bucket, with a root rotation in every tenth. */
async function writeHistory(folder: string): Promise<TufSimulator> {
  const repository = new TufSimulator();
  const newestRoots: number[] = [];
  for (let state = 0; state <= STATES; state += 1) {
    if (state % 10 === 9) repository.rotateOnline('timestamp', 'snapshot');
    repository.publish('stable', `1.${state}.0`);
    newestRoots.push(repository.root.version);
    await writeFile(
      join(folder, `${state}.timestamp.json`),
      repository.files.get('timestamp.json')!,
    );
  }
  for (const [file, bytes] of repository.files) await writeFile(join(folder, file), bytes);
  await writeFile(join(folder, 'roots'), JSON.stringify(newestRoots));
  return repository;
}

/** One file starts in a third of the CPU time of the sources. */
async function bundledChild(folder: string): Promise<string> {
  const request = { root: PROJECT, program: 'child', entry: CHILD, plugins: [] };
  const parts = await bundleProgram(request);
  for (const { name, contents } of parts) await writeFile(join(folder, name), contents);
  return join(folder, 'child.mjs');
}

/** Ends the child a random time after its first whole refresh. */
async function liveAndDie(path: string, args: readonly string[]): Promise<void> {
  const child = fork(path, args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit');
  await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => assert.fail(`the child ended by itself with ${code}`)),
  ]);
  await wait(randomInt(LONGEST_LIFE_MS));
  child.kill('SIGKILL');
  const [, signal] = await ended;
  assert.equal(signal, 'SIGKILL');
}
