import { DETAILED_EXIT_CODES, EXIT_CODES } from './exit-code.ts';
import type { HostState } from './state.ts';

/** The exit codes after which the log or the status of the cycle has the cause. */
const EXPLAINED: readonly number[] = [
  ...Object.values(DETAILED_EXIT_CODES),
  ...Object.values(EXIT_CODES),
]
  .map(({ code }) => code)
  .filter((code) => code !== EXIT_CODES.failed.code && code !== EXIT_CODES.config.code);

/**
 * Whether the daemon must log the end of a cycle because the cycle itself may not have logged its
 * cause. After exit code 1 the status has a failed run, unless the cycle ended before it wrote one.
 */
export function isUnexplainedEnd(
  exitCode: number,
  before: HostState | undefined,
  after: HostState | undefined,
): boolean {
  if (exitCode !== EXIT_CODES.failed.code) return !EXPLAINED.includes(exitCode);
  return before?.status?.run?.id === after?.status?.run?.id;
}

/** The reason that the daemon logs for such an end. */
export function unexplainedReason(exitCode: number): string {
  return exitCode === EXIT_CODES.config.code
    ? 'a mistake in the configuration or no trust root; the cycle has printed which'
    : 'it ended without a status; what it printed before may say why';
}

/** Whether a run was made between the two states. A skipped run is not one. */
export function hasRun(before: HostState | undefined, after: HostState | undefined): boolean {
  const run = after?.status?.run ?? null;
  return run !== null && run.status !== 'skipped' && run.id !== before?.status?.run?.id;
}
