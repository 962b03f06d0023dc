import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';
import { CodedError } from '../../shared/coded-error.ts';

/** After this time the lock of a killed process is released. */
const STALE_MS = 15_000;

/**
 * One mm at a time per tree and machine, because the kept state must have one writer. Waits up to
 * `waitMs`, then throws LOCKED. Makes a missing directory, with a .gitignore that hides it.
 */
export async function withStateLock<T>(
  directory: string,
  work: () => Promise<T>,
  waitMs = 60_000,
): Promise<T> {
  await mkdir(directory, { recursive: true });
  const { release, lost } = await take(join(directory, 'lock'), waitMs);
  try {
    return await work();
  } finally {
    // A machine that slept has lost the lock. That cannot damage the bucket: each commit has
    // conditional writes.
    if (!lost.aborted) await release();
  }
}

/**
 * Makes the state directory and hides it from git, so that users need not add it to their
 * .gitignore.
 */
export async function makeStateDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  try {
    await writeFile(join(directory, '.gitignore'), '*\n', { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

interface Held {
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

async function take(lockfilePath: string, waitMs: number): Promise<Held> {
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
