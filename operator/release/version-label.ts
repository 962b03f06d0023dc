import semver from 'semver';
import { CodedError } from '../../shared/coded-error.ts';

/** Version of the first release. */
const FIRST = '0.1.0';

/** The next patch version. After a label that is not semver it starts again. */
export function nextVersion(current: string | undefined): string {
  return (current === undefined ? null : semver.inc(current, 'patch')) ?? FIRST;
}

/** Throws USAGE for a version that is not semver. */
export function assertVersionForm(wanted: string): void {
  if (isVersion(wanted)) return;
  const found = JSON.stringify(wanted.slice(0, 80));
  throw new CodedError(`--version: expected a version such as 1.4.2, found ${found}`, {
    code: 'USAGE',
    next: 'leave --version out for the next patch version',
  });
}

/** The same, and for a lower version without a reason: people read versions as an order. */
export function assertVersion(
  wanted: string,
  { current, reason }: { readonly current: string | undefined; readonly reason: string },
): void {
  assertVersionForm(wanted);
  if (isLower(wanted, current) && reason === '') {
    throw new CodedError(`--version ${wanted} is lower than the current ${current}`, {
      code: 'USAGE',
      next: `give --reason "why", or leave --version out`,
    });
  }
}

/** Whether the version is lower than the current one. */
export function isLower(wanted: string, current: string | undefined): boolean {
  return current !== undefined && semver.valid(current) !== null && semver.lt(wanted, current);
}

/** Whether the text is a semantic version. */
export function isVersion(text: string): boolean {
  return semver.valid(text) === text;
}
