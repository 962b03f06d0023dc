import { rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { lock } from 'proper-lockfile';
import { replaceFileSync } from '../../../shared/atomic-file.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { asDiskError, makeDirectorySync } from '../../../shared/disk-error.ts';
import { ifPresent } from '../../../shared/files.ts';
import type { Clock } from '../../ports.ts';
import { startOf } from '../host/processes.ts';
import { holderPath, isAlive, readHolder } from './lock-holder.ts';

/*
 * Two locks of a host: one cycle at a time (this file; lock-holder.ts names the holder), and one
 * daemon at a time (daemon-claim.ts). Both survive clock changes, and neither outlives its process.
 */

/**
 * A lock without a holder file becomes free after this time. The holder renews it twice as often.
 */
const STALE_MS = 10_000;
const ASK_AGAIN_MS = 500;

export interface CycleLock {
  /**
   * Aborts with LOCKED when the lock was lost: it was removed, and another cycle may hold it now.
   */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface CycleLockOptions {
  readonly path: string;
  readonly waitMs: number;
  readonly clock: Clock;
  readonly stop: AbortSignal;
}

/**
 * Allows one cycle at a time per host, of the daemon or by hand. Waits up to `waitMs`, then throws
 * LOCKED with the holder. A lock is free when its holder is dead. The age of a lock with a known
 * holder does not matter: after sleep or a clock change it can be anything. Throws DISK_FULL and
 * DISK_READ_ONLY when nobody can make the lock.
 */
export async function acquireCycleLock(options: CycleLockOptions): Promise<CycleLock> {
  const { path, clock } = options;
  const giveUpAt = clock.now() + options.waitMs;
  for (;;) {
    const acquired = await tryToAcquire(path, clock).catch((error: unknown) => {
      throw asDiskError(error, path);
    });
    if (acquired !== undefined) return acquired;
    if (clock.now() >= giveUpAt || options.stop.aborted) throw lockedError(path);
    await clock.sleep(ASK_AGAIN_MS, options.stop);
  }
}

async function tryToAcquire(path: string, clock: Clock): Promise<CycleLock | undefined> {
  makeDirectorySync(dirname(path), 0o755);
  const holder = readHolder(path);
  if (holder !== undefined) {
    if (await isAlive(holder)) return undefined;
    if (!(await removeLockOfDeadHolder(path))) return undefined;
  }
  const lost = new AbortController();
  const release = await lockUnlessHeld(path, (error) => lost.abort(lostError(path, error)));
  if (release === undefined) return undefined;
  const started = await startOf(process.pid);
  const since = new Date(clock.now()).toISOString();
  try {
    // Not synced: no holder survives a power cut, and a sync on a slow disk delays the renewal.
    replaceFileSync(holderPath(path), JSON.stringify({ pid: process.pid, started, since }));
  } catch (error) {
    await release();
    throw error;
  }
  return { lost: lost.signal, release: () => free(release, path, lost.signal) };
}

/**
 * Removes the lock of a dead holder. Only one process does this at a time, and the next one looks
 * at the holder again: otherwise it could remove the lock that the first has acquired meanwhile.
 * The lock must go before the holder file: while that exists, no process acquires the lock because
 * of its age. Returns false while another process does this.
 */
async function removeLockOfDeadHolder(path: string): Promise<boolean> {
  const release = await lockUnlessHeld(`${path}.freeing`, () => undefined);
  if (release === undefined) return false;
  try {
    const holder = readHolder(path);
    if (holder === undefined || (await isAlive(holder))) return true;
    ifPresent(() => rmdirSync(path));
    rmSync(holderPath(path), { force: true });
    return true;
  } finally {
    await release();
  }
}

async function lockUnlessHeld(
  path: string,
  onCompromised: (error: Error) => void,
): Promise<(() => Promise<void>) | undefined> {
  try {
    return await lock(path, {
      lockfilePath: path,
      realpath: false,
      stale: STALE_MS,
      onCompromised,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOCKED') return undefined;
    throw error;
  }
}

async function free(release: () => Promise<void>, path: string, lost: AbortSignal): Promise<void> {
  // After a loss, the lock and its holder file belong to another cycle.
  if (lost.aborted) return;
  rmSync(holderPath(path), { force: true });
  await release();
}

function lostError(path: string, cause: Error): CodedError {
  return new CodedError(`this cycle lost its lock, ${path}: ${cause.message}`, {
    code: 'LOCKED',
    cause,
    next: 'mm-agent status',
  });
}

function lockedError(path: string): CodedError {
  const holder = readHolder(path);
  const who =
    holder === undefined ? 'another agent' : `process ${holder.pid}, since ${holder.since}`;
  return new CodedError(`another cycle is under way on this host: ${who} holds ${path}`, {
    code: 'LOCKED',
    next: 'mm-agent status',
    details: { path, pid: holder?.pid },
  });
}
