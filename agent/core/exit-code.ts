import type { RunSummary } from '../../bucket/documents/status.ts';
import { DISPOSITION, type ErrorCode } from '../../shared/coded-error.ts';
import type { Decision } from './decide.ts';

/**
 * The exit codes of `mm-agent`, with the meaning that `--help` and the documents give. They are
 * part of the interface. 2, 4 and 6 are Puppet's and only come with `--detailed-exitcodes`.
 */
export const EXIT_CODES = {
  done: { code: 0, meaning: 'done' },
  failed: { code: 1, meaning: 'failed' },
  disabled: { code: 10, meaning: 'disabled or stopped' },
  locked: { code: 11, meaning: 'another cycle is active' },
  outsideWindow: { code: 12, meaning: 'apply_window is closed: something would change' },
  config: { code: 20, meaning: 'configuration' },
  noRelease: { code: 21, meaning: 'no release for this host' },
  unreachable: { code: 22, meaning: 'bucket not reached and nothing applied' },
  untrusted: { code: 23, meaning: 'release not trusted' },
  timeLimit: { code: 24, meaning: 'time limit' },
  notConverged: { code: 25, meaning: 'not converged' },
  blocked: { code: 26, meaning: 'disk full or read-only' },
} as const;

/** With `--detailed-exitcodes`: what `puppet apply` returns. */
export const DETAILED_EXIT_CODES = {
  unchanged: { code: 0, meaning: 'no change' },
  changed: { code: 2, meaning: 'changed' },
  failed: { code: 4, meaning: 'failed' },
  changedAndFailed: { code: 6, meaning: 'both' },
  notCompiled: { code: 1, meaning: 'did not compile' },
} as const;

/** `0 done, 1 failed, …`, for the help text and the documents. */
export function exitCodesText(
  codes: Readonly<Record<string, { readonly code: number; readonly meaning: string }>>,
): string {
  return Object.values(codes)
    .map(({ code, meaning }) => `${code} ${meaning}`)
    .join(', ');
}

/** The exit code for an error that ended the agent before or outside of a cycle. */
export function errorExitCode(code: ErrorCode): number {
  if (code === 'LOCKED') return EXIT_CODES.locked.code;
  if (code === 'DISK_FULL' || code === 'DISK_READ_ONLY') return EXIT_CODES.blocked.code;
  if (DISPOSITION[code] === 'exit') return EXIT_CODES.config.code;
  return noReleaseExitCode(code);
}

/**
 * The exit code of a cycle. When Puppet ran, its outcome decides, and an error of the bucket was a
 * warning.
 */
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
      if (run === undefined) return EXIT_CODES.done.code;
      // Otherwise nobody would notice that the requested run changed nothing.
      if (decision.isOutsideWindow === true && run.status === 'pending')
        return EXIT_CODES.outsideWindow.code;
      return runExitCode(run, options);
    case 'deferred':
      return EXIT_CODES.done.code;
    case 'blocked':
      return EXIT_CODES.blocked.code;
    case 'disabled':
    case 'stopped':
      return EXIT_CODES.disabled.code;
    case 'expired':
      return EXIT_CODES.untrusted.code;
    case 'no-release':
      return noReleaseExitCode(errorCode);
  }
}

/** The exit code of a run of Puppet. */
export function runExitCode(summary: RunSummary, options: { readonly detailed: boolean }): number {
  switch (summary.status) {
    case 'unchanged':
    case 'pending':
    case 'skipped':
      return EXIT_CODES.done.code;
    case 'changed':
      return options.detailed ? DETAILED_EXIT_CODES.changed.code : EXIT_CODES.done.code;
    case 'failed':
      return options.detailed ? detailedFailure(summary) : EXIT_CODES.failed.code;
    case 'not-compiled':
      return DETAILED_EXIT_CODES.notCompiled.code;
    case 'killed':
      return summary.killedBy === 'time-limit' ? EXIT_CODES.timeLimit.code : EXIT_CODES.failed.code;
  }
}

function detailedFailure({ resources }: RunSummary): number {
  if (resources === null || resources.failed === 0) return EXIT_CODES.failed.code;
  return resources.changed > 0
    ? DETAILED_EXIT_CODES.changedAndFailed.code
    : DETAILED_EXIT_CODES.failed.code;
}

/**
 * The exit code for a host without a release. `code` is the error that prevented an installation.
 */
function noReleaseExitCode(code: ErrorCode | undefined): number {
  if (code === undefined) return EXIT_CODES.noRelease.code;
  if (code === 'CONFIG_INVALID') return EXIT_CODES.config.code;
  if (code === 'FILE_FAILED') return EXIT_CODES.failed.code;
  if (code.startsWith('S3_') || code === 'DISK_FULL') return EXIT_CODES.unreachable.code;
  return EXIT_CODES.untrusted.code;
}
