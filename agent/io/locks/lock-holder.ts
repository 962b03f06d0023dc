import { foreignText } from '../../../shared/foreign-file.ts';
import { isRunning, startOf } from '../host/processes.ts';

/** Who holds the cycle lock, as it lies beside it. */
export interface LockHolder {
  readonly pid: number;
  /** With the pid it names a process for good; undefined where the system does not say. */
  readonly started: string | undefined;
  readonly since: string;
}

const MAX_BYTES = 4096;

export function holderPath(lock: string): string {
  return `${lock}.json`;
}

/** Undefined when the lock is free, or was taken a moment ago by one that has not said so yet. */
export function readHolder(lock: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(foreignText(holderPath(lock), MAX_BYTES) ?? '') as LockHolder;
    return Number.isInteger(holder.pid) && holder.pid > 1 ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** A process with the same id that started at another time is not the holder. One that is hidden counts as living. */
export async function isAlive({ pid, started }: LockHolder): Promise<boolean> {
  if (!isRunning(pid)) return false;
  const now = await startOf(pid);
  return now === undefined || started === undefined || now === started;
}
