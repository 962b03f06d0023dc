import type { HostState } from './state.ts';

/** Puppet's own, and those of a host that stands still, is locked, or whose run took too long: the status says it. */
const TOLD_OTHERWISE: readonly number[] = [0, 2, 4, 6, 10, 11, 12, 24];

/**
 * Whether nobody has said yet why a cycle ended with this exit code. 1 is a run that failed, which is in the status that
 * the cycle wrote, or a cycle that broke off and wrote none.
 */
export function isUnexplainedEnd(
  exitCode: number,
  before: HostState | undefined,
  after: HostState | undefined,
): boolean {
  if (exitCode !== 1) return !TOLD_OTHERWISE.includes(exitCode);
  return before?.status?.run?.id === after?.status?.run?.id;
}
