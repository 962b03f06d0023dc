import { DISPOSITION, type ErrorCode } from '../../bucket/coded-error.ts';
import type { RunSummary } from '../../bucket/documents/status.ts';
import type { Decision } from './decide.ts';
import { exitCodeOf } from './outcome.ts';

/** Exit codes of our own, apart from Puppet's 0 to 6. They are API. */
export const EXIT = {
  disabled: 10,
  locked: 11,
  config: 20,
  noRelease: 21,
  unreachable: 22,
  untrusted: 23,
} as const;

/** The exit code of `mm-agent --once`. Once something was applied Puppet's code wins, and the rest was a warning. */
export function cycleExitCode(
  end: {
    readonly decision: Decision;
    readonly run: RunSummary | undefined;
    readonly errorCode: ErrorCode | undefined;
  },
  options: { readonly detailed: boolean },
): number {
  const { decision, run, errorCode } = end;
  switch (decision.skipped) {
    case undefined:
      return run === undefined ? 0 : exitCodeOf(run, options);
    case 'disabled':
    case 'stopped':
      return EXIT.disabled;
    case 'expired':
      return EXIT.untrusted;
    case 'no-release':
      return noReleaseCode(errorCode);
  }
}

function noReleaseCode(code: ErrorCode | undefined): number {
  if (code === undefined) return EXIT.noRelease;
  if (code.startsWith('S3_') || code === 'DISK_FULL') return EXIT.unreachable;
  return EXIT.untrusted;
}

/** The exit code for an error that ended the agent before or outside of a cycle. */
export function errorExitCode(code: ErrorCode): number {
  if (code === 'LOCKED') return EXIT.locked;
  if (DISPOSITION[code] === 'exit') return EXIT.config;
  return noReleaseCode(code);
}
