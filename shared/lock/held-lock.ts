import { lstatSync, rmSync } from 'node:fs';
import { lock } from 'proper-lockfile';
import { replaceFileSync } from '../atomic-file.ts';
import { orUndefined } from '../files.ts';
import { holderPath, type LockHolder, readHolder } from './holder.ts';

/*
 * A lock with a file beside it that names its holder. The lock of a killed process is therefore
 * free at once, without waiting until it is old.
 */

export interface HeldLock {
  release(): Promise<void>;
}

export interface LockRequest<H extends LockHolder> {
  readonly holder: H;
  /**
   * A lock without a holder file becomes free after this time. The holder renews it twice as often.
   */
  readonly staleMs: number;
  /** Whether this holder is gone, so that its lock is free. */
  isGone(holder: H): Promise<boolean> | boolean;
  /** Called when the lock was removed, and another process may hold it now. */
  onLost(error: Error): void;
}

/** Acquires the lock, also from a holder that is gone. Undefined when another process holds it. */
export async function tryToLock<H extends LockHolder>(
  path: string,
  { holder, staleMs, isGone, onLost }: LockRequest<H>,
): Promise<HeldLock | undefined> {
  const other = readHolder<H>(path);
  if (other !== undefined) {
    if (!(await isGone(other))) return undefined;
    if (!(await removeLockOfGone(path, { staleMs, isGone }))) return undefined;
  }
  let isLost = false;
  const forget = () => void orUndefined(() => rmSync(holderPath(path), { force: true }));
  const release = await lockUnlessHeld(path, staleMs, (error) => {
    // From now on the lock and its holder file may belong to another process.
    isLost = true;
    process.off('exit', forget);
    onLost(error);
  });
  if (release === undefined) return undefined;
  try {
    remove(holderPath(path));
    // Not synced: no holder survives a power cut, and a sync on a slow disk delays the renewal.
    replaceFileSync(holderPath(path), JSON.stringify(holder));
  } catch (error) {
    await release();
    throw error;
  }
  // At the end of the process proper-lockfile removes the lock, after the listeners here.
  process.once('exit', forget);
  return {
    async release() {
      if (isLost) return;
      process.off('exit', forget);
      forget();
      await release();
    },
  };
}

/**
 * Removes the lock of a holder that is gone. Only one process does this at a time, and the next one
 * looks at the holder again: otherwise it could remove the lock that the first has acquired
 * meanwhile. The lock must go before the holder file: while that exists, no process acquires the
 * lock because of its age. Returns false while another process does this.
 */
async function removeLockOfGone<H extends LockHolder>(
  path: string,
  { staleMs, isGone }: Pick<LockRequest<H>, 'staleMs' | 'isGone'>,
): Promise<boolean> {
  const release = await lockUnlessHeld(`${path}.freeing`, staleMs, () => undefined);
  if (release === undefined) return false;
  try {
    const holder = readHolder<H>(path);
    if (holder === undefined || !(await isGone(holder))) return true;
    remove(path);
    remove(holderPath(path));
    return true;
  } finally {
    await release();
  }
}

/**
 * Whether nobody renews the lock. Something else in the place of the directory, and a time far in
 * the future, would keep everybody out forever.
 */
export function isStale(path: string, staleMs: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) return true;
  const ageMs = Date.now() - found.mtimeMs;
  return ageMs > staleMs || ageMs < -MOST_AHEAD_MS;
}

/** Clocks of machines that share a file system differ by less. */
const MOST_AHEAD_MS = 86_400_000;

async function lockUnlessHeld(
  path: string,
  staleMs: number,
  onCompromised: (error: Error) => void,
): Promise<(() => Promise<void>) | undefined> {
  // The package removes an empty directory only.
  if (isStale(path, staleMs)) remove(path);
  try {
    return await lock(path, {
      lockfilePath: path,
      realpath: false,
      stale: staleMs,
      onCompromised,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ELOCKED') return undefined;
    throw error;
  }
}

/** Whatever is there. */
function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
