import semver from 'semver';
import { CodedError } from '../../shared/coded-error.ts';

/** Version of the first release. */
const FIRST = '0.1.0';

/** The next patch version. After a label that is not semver it starts again. */
export function nextVersion(current: string | undefined): string {
  return (current === undefined ? null : semver.inc(current, 'patch')) ?? FIRST;
}

/**
 * Throws USAGE for a version that is not semver, and for a lower version without a reason: people
 * read versions as an order.
 */
export function assertVersion(
  wanted: string,
  { current, reason }: { readonly current: string | undefined; readonly reason: string },
): void {
  if (semver.valid(wanted) !== wanted) {
    throw new CodedError(`--version: expected a version such as 1.4.2, found ${wanted}`, {
      code: 'USAGE',
      next: 'leave --version out for the next patch version',
    });
  }
  if (isLower(wanted, current) && reason === '') {
    throw new CodedError(`--version ${wanted} is lower than the current ${current}`, {
      code: 'USAGE',
      next: `give --reason "why", or leave --version out`,
    });
  }
}

export function isLower(wanted: string, current: string | undefined): boolean {
  return current !== undefined && semver.valid(current) !== null && semver.lt(wanted, current);
}
