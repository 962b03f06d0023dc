import { foreignText } from '../foreign-file.ts';

/* In a file of its own because the daemon reads holders and must not load the package for locks. */

/** The process that holds a lock. Programs add fields that identify it better than its id. */
export interface LockHolder {
  readonly pid: number;
}

const MAX_BYTES = 4096;
/** The kernel has no larger id, and process.kill throws for one. */
const MAX_PID = 2 ** 31 - 1;

/** The path of the file that names the holder of a lock. */
export function holderPath(path: string): string {
  return `${path}.json`;
}

/** Returns undefined when the lock is free, or when its holder has not written the file yet. */
export function readHolder<H extends LockHolder>(path: string): H | undefined {
  return readHolderFile(holderPath(path));
}

/** Like {@link readHolder}, for the path of the file itself. */
export function readHolderFile<H extends LockHolder>(file: string): H | undefined {
  try {
    const holder = JSON.parse(foreignText(file, MAX_BYTES) ?? '') as H;
    return Number.isInteger(holder.pid) && holder.pid > 1 && holder.pid <= MAX_PID
      ? holder
      : undefined;
  } catch {
    return undefined;
  }
}
