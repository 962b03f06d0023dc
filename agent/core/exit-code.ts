import type { RunSummary } from '../../bucket/documents/status.ts';
import type { ErrorCode } from '../../shared/coded-error.ts';
import type { Decision } from './decide.ts';
import { EXIT, noReleaseCode } from './error-exit-code.ts';
import { exitCodeOf } from './run/outcome.ts';

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
