import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { lock } from 'proper-lockfile';
import { replaceFileSync } from '../../../shared/atomic-file.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { ifPresent } from '../../../shared/files.ts';
import type { Clock } from '../../ports.ts';
import { startOf } from '../host/processes.ts';
import { holderPath, isAlive, readHolder } from './lock-holder.ts';

/** A lock beside which nobody is named frees itself after this. The holder renews it twice as often. */
const STALE_MS = 10_000;
const ASK_AGAIN_MS = 500;

export interface CycleLock {
  /** Aborts with LOCKED when the lock was lost: somebody removed it, and another may hold it by now. */
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
 * One cycle at a time per host, daemon and `--once` alike. Waits up to `waitMs`, then throws LOCKED and says who holds
 * it. Whether the holder lives decides, not how old the lock looks: a machine that slept, or whose clock was set, has
 * locks of any age.
 */
export async function takeCycleLock(options: CycleLockOptions): Promise<CycleLock> {
  const { path, clock } = options;
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const giveUpAt = clock.now() + options.waitMs;
  for (;;) {
    const taken = await tryToTake(path, clock);
    if (taken !== undefined) return taken;
    if (clock.now() >= giveUpAt || options.stop.aborted) throw lockedError(path);
    await clock.sleep(ASK_AGAIN_MS, options.stop);
  }
}

async function tryToTake(path: string, clock: Clock): Promise<CycleLock | undefined> {
  const holder = readHolder(path);
  if (holder !== undefined) {
    if (await isAlive(holder)) return undefined;
    if (!(await freeOfDeadHolder(path))) return undefined;
  }
  const lost = new AbortController();
  const release = await lockUnlessHeld(path, (error) => lost.abort(lostError(path, error)));
  if (release === undefined) return undefined;
  const started = await startOf(process.pid);
  const since = new Date(clock.now()).toISOString();
  // Not synced: no holder outlives a power cut, and on a slow disk the lock would not be renewed meanwhile.
  replaceFileSync(holderPath(path), JSON.stringify({ pid: process.pid, started, since }));
  return { lost: lost.signal, release: () => free(release, path, lost.signal) };
}

/**
 * One at a time, and who comes next looks again: else it would free what the first has taken meanwhile. The lock goes
 * before the name beside it: as long as that lies there, nobody takes the lock by its age. False when others are at it.
 */
async function freeOfDeadHolder(path: string): Promise<boolean> {
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
  // A lost lock is somebody else's by now, and so is what is said beside it.
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
