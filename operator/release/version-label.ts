import semver from 'semver';
import { CodedError } from '../../shared/coded-error.ts';

/** The label of a first release. */
const FIRST = '0.1.0';

/** The label after this one: the next patch. A label that is no semver has none. */
export function nextVersion(current: string | undefined): string {
  return (current === undefined ? null : semver.inc(current, 'patch')) ?? FIRST;
}

/** Throws USAGE for what is no semver, and for a lower label without a reason: people read labels as an order. */
export function assertVersion(
  wanted: string,
  { current, reason }: { readonly current: string | undefined; readonly reason: string },
): void {
  if (semver.valid(wanted) !== wanted) {
    throw new CodedError(`--version: wanted a version such as 1.4.2, found ${wanted}`, {
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
