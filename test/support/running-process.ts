import assert from 'node:assert/strict';
import { startOf } from '../../agent/io/host/processes.ts';

/**
 * Returns a function that says whether this process, which must run now, still runs. A later
 * process may have the same pid, but not the same start time as well.
 */
export async function runningProcess(pid: number): Promise<() => Promise<boolean>> {
  const started = await startOf(pid);
  assert.ok(started !== undefined, `process ${pid} does not run`);
  return async () => (await startOf(pid)) === started;
}
