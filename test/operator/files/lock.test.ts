import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withLock } from '../../../operator/files/lock.ts';
import { names, temporaryDirectory } from '../../support/temporary-directory.ts';

const LOCK = join(import.meta.dirname, '../../../operator/files/lock.ts');
const WAIT_FOR_NOBODY = { waitMs: 0 };
const work = () => Promise.resolve('done');

/** A lock that another process holds, until it is killed. */
async function heldLock(t: TestContext) {
  const directory = await temporaryDirectory(t);
  const script = `import { withLock } from ${JSON.stringify(LOCK)};
    const held = () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1e6)); };
    await withLock(process.argv[1], held);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script, directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return {
    directory,
    pid: child.pid,
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
    /** Changes what the file beside the lock says of its holder. */
    async change(holder: object) {
      const path = join(directory, 'lock.json');
      const found = JSON.parse(await readFile(path, 'utf8'));
      await writeFile(path, JSON.stringify({ ...found, ...holder }));
    },
  };
}

test('lock: a living process keeps it and is named; when it is killed the lock is free at once', async (t) => {
  const { directory, pid, kill } = await heldLock(t);
  await assert.rejects(withLock(directory, work, WAIT_FOR_NOBODY), (error: Error) => {
    assert.equal((error as Error & { code?: string }).code, 'LOCKED');
    assert.match(error.message, new RegExp(`process ${pid} `));
    return true;
  });
  await kill();
  assert.equal(await withLock(directory, work, WAIT_FOR_NOBODY), 'done');
  assert.deepEqual(await names(directory), []);
});

test('lock: a process that is killed while another one waits', async (t) => {
  const { directory, kill } = await heldLock(t);
  const told: string[] = [];
  const waiting = withLock(directory, work, { waitMs: 10_000, onWait: (line) => told.push(line) });
  await sleep(100);
  await kill();
  assert.equal(await waiting, 'done');
  assert.equal(told.length, 1);
});

/** A pid says nothing about a process of another machine or another container. */
const elsewhere = {
  'another machine': { machine: 'other-boot pid:[4026531836]' },
  'a machine that cannot be told': { machine: undefined },
  'a process that lives': { pid: process.pid },
};
for (const [name, holder] of Object.entries(elsewhere)) {
  test(`lock: of ${name}: it is free only when it is old`, async (t) => {
    const { directory, kill, change } = await heldLock(t);
    await kill();
    await change(holder);
    await assert.rejects(withLock(directory, work, WAIT_FOR_NOBODY), { code: 'LOCKED' });
    const minuteAgo = new Date(Date.now() - 60_000);
    await utimes(join(directory, 'lock'), minuteAgo, minuteAgo);
    assert.equal(await withLock(directory, work, WAIT_FOR_NOBODY), 'done');
  });
}

test('lock: a holder file without its lock, as after a kill in the middle of a release', async (t) => {
  const directory = await temporaryDirectory(t);
  const holder = { pid: 4_000_000, machine: 'other-boot pid:[1]', host: 'other' };
  await writeFile(join(directory, 'lock.json'), JSON.stringify(holder));
  assert.equal(await withLock(directory, work, WAIT_FOR_NOBODY), 'done');
  assert.deepEqual(await names(directory), []);
});
