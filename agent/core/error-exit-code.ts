import { DISPOSITION, type ErrorCode } from '../../shared/coded-error.ts';

/** Exit codes of our own, apart from Puppet's 0 to 6. They are API. */
export const EXIT = {
  disabled: 10,
  locked: 11,
  config: 20,
  noRelease: 21,
  unreachable: 22,
  untrusted: 23,
} as const;

/** Of a host without a release; `code` says why none was to be had. */
export function noReleaseCode(code: ErrorCode | undefined): number {
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
