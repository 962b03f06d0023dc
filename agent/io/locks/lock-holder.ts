import { foreignText } from '../../../shared/foreign-file.ts';
import { isRunning, startOf } from '../host/processes.ts';

/** The holder of a lock, from the file beside the lock. */
export interface LockHolder {
  readonly pid: number;
  /**
   * Together with the pid it identifies a process. Undefined when the system does not report it.
   */
  readonly started: string | undefined;
  readonly since: string;
}

const MAX_BYTES = 4096;

/** The path of the file that names the holder of a lock. */
export function holderPath(lock: string): string {
  return `${lock}.json`;
}

/** Returns undefined when the lock is free, or when its holder has not written the file yet. */
export function readHolder(lock: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(foreignText(holderPath(lock), MAX_BYTES) ?? '') as LockHolder;
    return Number.isInteger(holder.pid) && holder.pid > 1 ? holder : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A process with the same id and another start time is not the holder. A hidden process counts as
 * alive.
 */
export async function isAlive({ pid, started }: LockHolder): Promise<boolean> {
  if (!isRunning(pid)) return false;
  const now = await startOf(pid);
  return now === undefined || started === undefined || now === started;
}
