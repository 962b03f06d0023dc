import type { LockHolder as Holder } from '../../../shared/lock/holder.ts';
import { isRunning, startOf } from '../host/processes.ts';

/** The holder of a lock, from the file beside the lock. */
export interface LockHolder extends Holder {
  /**
   * Together with the pid it identifies a process. Undefined when the system does not report it.
   */
  readonly started: string | undefined;
  readonly since: string;
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
