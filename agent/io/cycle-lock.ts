import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { lock } from 'proper-lockfile';
import { writeFileAtomic } from '../../bucket/atomic-file.ts';
import { CodedError } from '../../bucket/coded-error.ts';
import type { Clock } from '../ports.ts';

/** A killed holder's lock frees itself after this. The holder renews it twice as often. */
const STALE_MS = 10_000;
const ASK_AGAIN_MS = 500;

export interface CycleLock {
  /** Aborts when the lock was lost, for instance because the machine slept and somebody else took it. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * One cycle at a time per host, daemon and `--once` alike. Waits up to `waitMs`, then throws LOCKED and says who holds
 * it.
 */
export async function takeCycleLock(options: {
  readonly path: string;
  readonly waitMs: number;
  readonly clock: Clock;
  readonly stop: AbortSignal;
}): Promise<CycleLock> {
  const { path, clock } = options;
  const holderFile = `${path}.json`;
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const lost = new AbortController();
  const giveUpAt = clock.now() + options.waitMs;
  for (;;) {
    try {
      const release = await lock(path, {
        lockfilePath: path,
        realpath: false,
        stale: STALE_MS,
        onCompromised: (error) => lost.abort(error),
      });
      await writeFileAtomic(
        holderFile,
        JSON.stringify({ pid: process.pid, since: new Date(clock.now()).toISOString() }),
      );
      return { lost: lost.signal, release: () => free(release, holderFile, lost.signal) };
    } catch (error) {
      if (!isHeld(error)) throw error;
      if (clock.now() >= giveUpAt || options.stop.aborted)
        throw await lockedError(path, holderFile);
      await clock.sleep(ASK_AGAIN_MS, options.stop);
    }
  }
}

async function free(
  release: () => Promise<void>,
  holderFile: string,
  lost: AbortSignal,
): Promise<void> {
  // A lost lock is somebody else's by now, and so is what is said beside it.
  if (lost.aborted) return;
  await rm(holderFile, { force: true });
  await release();
}

function isHeld(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOCKED';
}

async function lockedError(path: string, holderFile: string): Promise<CodedError> {
  const holder = await readFile(holderFile, 'utf8').catch(() => undefined);
  const { pid, since } = parseHolder(holder);
  const who =
    pid === undefined ? 'another agent' : `process ${pid}, since ${since ?? 'an unknown time'}`;
  return new CodedError(`another cycle is under way on this host: ${who} holds ${path}`, {
    code: 'LOCKED',
    next: 'mm-agent status',
    details: { path, pid },
  });
}

function parseHolder(text: string | undefined): { pid?: number; since?: string } {
  if (text === undefined) return {};
  try {
    return JSON.parse(text) as { pid?: number; since?: string };
  } catch {
    return {};
  }
}
