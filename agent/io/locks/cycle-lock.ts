import { dirname } from 'node:path';
import { CodedError } from '../../../shared/coded-error.ts';
import { asFileError, makeDirectorySync } from '../../../shared/disk-error.ts';
import { type HeldLock, tryToLock } from '../../../shared/lock/held-lock.ts';
import { readHolder } from '../../../shared/lock/holder.ts';
import type { Clock } from '../../ports.ts';
import { startOf } from '../host/processes.ts';
import { isAlive, type LockHolder } from './lock-holder.ts';

/*
 * Two locks of a host: one cycle at a time (this file; lock-holder.ts names the holder), and one
 * daemon at a time (daemon-claim.ts). Both survive clock changes, and neither outlives its process.
 */

/**
 * A lock without a holder file becomes free after this time. The holder renews it twice as often.
 */
const STALE_MS = 10_000;
const ASK_AGAIN_MS = 500;

export interface CycleLock extends HeldLock {
  /**
   * Aborts with LOCKED when the lock was lost: it was removed, and another cycle may hold it now.
   */
  readonly lost: AbortSignal;
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
  // The clock may be set meanwhile.
  const giveUpAt = performance.now() + options.waitMs;
  const started = await startOf(process.pid);
  for (;;) {
    const acquired = await tryToAcquire(path, started, clock).catch((error: unknown) => {
      throw asFileError(error, path);
    });
    if (acquired !== undefined) return acquired;
    if (performance.now() >= giveUpAt || options.stop.aborted) throw lockedError(path);
    await clock.sleep(ASK_AGAIN_MS, options.stop);
  }
}

async function tryToAcquire(
  path: string,
  started: string | undefined,
  clock: Clock,
): Promise<CycleLock | undefined> {
  makeDirectorySync(dirname(path), 0o755);
  const lost = new AbortController();
  const since = new Date(clock.now()).toISOString();
  const acquired = await tryToLock<LockHolder>(path, {
    holder: { pid: process.pid, started, since },
    staleMs: STALE_MS,
    isGone: async (holder) => !(await isAlive(holder)),
    onLost: (error) => lost.abort(lostError(path, error)),
  });
  return acquired && { ...acquired, lost: lost.signal };
}

function lostError(path: string, cause: Error): CodedError {
  return new CodedError(`this cycle lost its lock, ${path}: ${cause.message}`, {
    code: 'LOCKED',
    cause,
    next: 'mm-agent status',
  });
}

function lockedError(path: string): CodedError {
  const holder = readHolder<LockHolder>(path);
  const who =
    holder === undefined ? 'another agent' : `process ${holder.pid}, since ${holder.since}`;
  return new CodedError(`another cycle is under way on this host: ${who} holds ${path}`, {
    code: 'LOCKED',
    next: 'mm-agent status',
    details: { path, pid: holder?.pid },
  });
}
