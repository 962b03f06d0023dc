import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../../agent/io/clock.ts';
import { takeCycleLock } from '../../../agent/io/cycle-lock.ts';

const never = new AbortController().signal;

test('lock: the second one waits, then says who holds it; after the release nothing is left', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mm-lock-'));
  try {
    const path = join(directory, 'run', 'lock');
    const options = { path, waitMs: 0, clock: systemClock, stop: never };
    const first = await takeCycleLock(options);
    await assert.rejects(takeCycleLock(options), (error: { code?: string; message: string }) => {
      assert.equal(error.code, 'LOCKED');
      assert.match(error.message, new RegExp(`process ${process.pid}`));
      return true;
    });
    const waiting = takeCycleLock({ ...options, waitMs: 60_000 });
    await first.release();
    await (await waiting).release();
    assert.deepEqual(await readdir(join(directory, 'run')), []);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("lock: a killed holder's lock frees itself", async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mm-lock-'));
  try {
    const path = join(directory, 'lock');
    await mkdir(path);
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(path, longAgo, longAgo);
    const lock = await takeCycleLock({ path, waitMs: 0, clock: systemClock, stop: never });
    await lock.release();
  } finally {
    await rm(directory, { recursive: true });
  }
});
