import type { Log } from '../../ports.ts';

/**
 * Ends this process with exit code 1 after `limitMs`. A cycle continues when its daemon is
 * restarted, and a cycle that hangs would keep the lock forever. The timer does not keep the
 * process alive.
 */
export function endAfter(limitMs: number, log: Log): void {
  setTimeout(() => {
    log.error('cycle.took-too-long', { seconds: Math.round(limitMs / 1000) });
    process.exit(1);
  }, limitMs).unref();
}
