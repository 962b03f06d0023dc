import { DETAILED_EXIT_CODES, EXIT_CODES } from './exit-code.ts';
import type { HostState } from './state.ts';

/** Every code of the tables but 1: the cycle has logged the cause, or its status has it. */
const EXPLAINED: ReadonlySet<number> = new Set(
  [...Object.values(EXIT_CODES), ...Object.values(DETAILED_EXIT_CODES)]
    .map(({ code }): number => code)
    .filter((code) => code !== EXIT_CODES.failed.code),
);

/**
 * Whether the daemon must log that a cycle ended with this exit code, because the cycle itself may
 * not have. After a 1 the status has a failed run, unless the cycle broke off before it wrote one.
 */
export function isUnexplainedEnd(
  exitCode: number,
  before: HostState | undefined,
  after: HostState | undefined,
): boolean {
  if (exitCode !== EXIT_CODES.failed.code) return !EXPLAINED.has(exitCode);
  return before?.status?.run?.id === after?.status?.run?.id;
}
