import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';
import { CodedError } from '../../shared/coded-error.ts';

/** After this time the lock of a killed process is released. */
const STALE_MS = 15_000;

export interface LockOptions {
  readonly waitMs?: number;
  /** Called once, when another mm has the lock. */
  readonly onWait?: ((line: string) => void) | undefined;
}

/**
 * Runs the work while no other mm on this machine works in the directory, which is made when it is
 * missing. Waits up to `waitMs`, then throws LOCKED.
 */
export async function withLock<T>(
  directory: string,
  work: () => Promise<T>,
  { waitMs = 60_000, onWait }: LockOptions = {},
): Promise<T> {
  await mkdir(directory, { recursive: true });
  const path = join(directory, 'lock');
  const { release, lost } = await acquire(path, 0).catch(async (error: unknown) => {
    if (!(error instanceof CodedError) || waitMs === 0) throw error;
    onWait?.(`another mm works in ${directory}, or was killed there: waiting for its lock`);
    return await acquire(path, waitMs);
  });
  try {
    return await work();
  } finally {
    // A machine that was asleep has lost the lock. The bucket stays intact, because each commit
    // uses conditional writes.
    if (!lost.aborted) await release();
  }
}

interface Held {
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

async function acquire(lockfilePath: string, waitMs: number): Promise<Held> {
  const pauseMs = 500;
  const retries = {
    retries: Math.ceil(waitMs / pauseMs),
    factor: 1,
    minTimeout: pauseMs,
    maxTimeout: pauseMs,
  };
  const lost = new AbortController();
  try {
    const release = await lock(lockfilePath, {
      lockfilePath,
      realpath: false,
      stale: STALE_MS,
      retries,
      onCompromised: () => lost.abort(),
    });
    return { release, lost: lost.signal };
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ELOCKED')) throw cause;
    throw new CodedError(`another mm is running on this machine: it holds ${lockfilePath}`, {
      code: 'LOCKED',
      cause,
      next: 'wait for it, then try again',
    });
  }
}
