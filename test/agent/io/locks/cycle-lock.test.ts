import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rmdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../../../agent/io/clock.ts';
import { startOf } from '../../../../agent/io/host/processes.ts';
import { acquireCycleLock } from '../../../../agent/io/locks/cycle-lock.ts';
import { names, temporaryDirectory } from '../../../support/temporary-directory.ts';

const never = new AbortController().signal;
const MINUTE = 60_000;

async function place(t: TestContext) {
  const directory = join(await temporaryDirectory(t), 'run');
  return {
    directory,
    options: { path: join(directory, 'lock'), waitMs: 0, clock: systemClock, stop: never },
  };
}

/** A lock as another process left it. */
async function leave(path: string, ageMs: number, holder: unknown): Promise<void> {
  await mkdir(path, { recursive: true });
  const at = new Date(Date.now() - ageMs);
  await utimes(path, at, at);
  if (holder !== undefined) await writeFile(`${path}.json`, JSON.stringify(holder));
}

async function endedProcess(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid!;
}

test('lock: the second caller waits, then names the holder; the release removes the lock', async (t) => {
  const { directory, options } = await place(t);
  const first = await acquireCycleLock(options);
  await assert.rejects(acquireCycleLock(options), (error: { code?: string; message: string }) => {
    assert.equal(error.code, 'LOCKED');
    assert.match(error.message, new RegExp(`process ${process.pid}`));
    return true;
  });
  const waiting = acquireCycleLock({ ...options, waitMs: MINUTE });
  await first.release();
  await (await waiting).release();
  assert.deepEqual(await names(directory), []);
});

const since = '2026-11-01T00:00:00.000Z';
const free: Record<string, { ageMs: number; holder: () => Promise<unknown> }> = {
  'no holder is named, and it is old': { ageMs: MINUTE, holder: async () => undefined },
  'the holder is gone, a moment ago': {
    ageMs: 0,
    holder: async () => ({ pid: await endedProcess(), started: '1', since }),
  },
  'the holder is gone, and the clock was set back': {
    ageMs: -1000 * MINUTE,
    holder: async () => ({ pid: await endedProcess(), started: '1', since }),
  },
  "another process has the holder's id": {
    ageMs: 0,
    holder: async () => ({ pid: process.pid, started: 'another time', since }),
  },
};
const odd: Record<string, (path: string) => Promise<unknown>> = {
  'a FIFO is in its place': async (path) => execFileSync('mkfifo', [path]),
  'a link is in its place': (path) => symlink('/nowhere', path),
  'an old directory with a file is in its place': async (path) => {
    await mkdir(join(path, 'inside'), { recursive: true });
    await utimes(path, 1, 1);
  },
  'nobody is named, and its time is far ahead': (path) => leave(path, -1e10, undefined),
  'its holder has an id that no process has': (path) => leave(path, 0, { pid: 2 ** 31 - 1 }),
  'its holder has no possible id, and it is old': (path) => leave(path, MINUTE, { pid: 1e308 }),
  'a directory is in the place of the holder': (path) => mkdir(`${path}.json`),
};
for (const [name, make] of Object.entries(odd)) {
  test(`lock: free: ${name}`, async (t) => {
    const { directory, options } = await place(t);
    await mkdir(directory);
    await make(options.path);
    await (await acquireCycleLock(options)).release();
    assert.deepEqual(await names(directory), []);
  });
}

for (const [name, { ageMs, holder }] of Object.entries(free)) {
  test(`lock: free: ${name}`, async (t) => {
    const { directory, options } = await place(t);
    await leave(options.path, ageMs, await holder());
    await (await acquireCycleLock(options)).release();
    assert.deepEqual(await names(directory), []);
  });
}

const held: Record<string, { ageMs: number; holder: () => Promise<unknown> }> = {
  'no holder is named yet': { ageMs: 0, holder: async () => undefined },
  'the holder lives, though the machine slept': {
    ageMs: 1000 * MINUTE,
    holder: async () => ({ pid: process.pid, started: await startOf(process.pid), since }),
  },
};
for (const [name, { ageMs, holder }] of Object.entries(held)) {
  test(`lock: held: ${name}`, async (t) => {
    const { options } = await place(t);
    await leave(options.path, ageMs, await holder());
    await assert.rejects(acquireCycleLock(options), { code: 'LOCKED' });
  });
}

test('lock: of many callers that find a dead holder, one gets it', async (t) => {
  const { options } = await place(t);
  await leave(options.path, 0, { pid: await endedProcess(), started: '1', since });
  const taken = await Promise.allSettled(
    Array.from({ length: 8 }, () => acquireCycleLock(options)),
  );
  const winners = taken.filter((one) => one.status === 'fulfilled');
  assert.equal(winners.length, 1);
  for (const { value } of winners) await value.release();
  await (await acquireCycleLock(options)).release();
});

test('lock: a removed lock is noticed, with a code', async (t) => {
  const { directory, options } = await place(t);
  const lock = await acquireCycleLock(options);
  await rmdir(options.path);
  // The lock's own timer keeps no process alive.
  const alive = setInterval(() => undefined, MINUTE);
  await once(lock.lost, 'abort');
  clearInterval(alive);
  assert.equal(lock.lost.reason.code, 'LOCKED');
  await lock.release();
  assert.deepEqual(await names(directory), ['lock.json'], 'and may be the next one’s already');
});
