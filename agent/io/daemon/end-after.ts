import type { Log } from '../../ports.ts';

/**
 * Ends this process with exit code 1 after `limitMs`: a cycle outlives the daemon that would have ended it, and one that
 * hangs would keep the lock from all that come after it. Keeps no process alive by itself.
 */
export function endAfter(limitMs: number, log: Log): void {
  setTimeout(() => {
    log.error('cycle.took-too-long', { seconds: Math.round(limitMs / 1000) });
    process.exit(1);
  }, limitMs).unref();
}
