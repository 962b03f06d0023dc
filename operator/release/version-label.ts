import semver from 'semver';
import { VERSION_NUMBERS } from '../../bucket/documents/name-rules.ts';
import { CodedError } from '../../shared/coded-error.ts';

/** Version of the first release. */
const FIRST = '0.1.0';

/** Of each number of a label, see VERSION_NUMBERS. */
const MAX_NUMBER = 999_999_999_999_999;
const MAX_LENGTH = 64;

/** The next patch version. After a label that is not semver it starts again. */
export function nextVersion(highest: string | undefined): string {
  const found = semver.parse(highest);
  if (found === null) return FIRST;
  const { major, minor, patch } = found;
  if (patch < MAX_NUMBER) return found.inc('patch').version;
  return minor < MAX_NUMBER ? `${major}.${minor + 1}.0` : `${major + 1}.0.0`;
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

/**
 * The same, and without a reason for a version that is not above the highest one: people read
 * versions as an order, and as the name of one release. The current version may be given again.
 */
export function assertVersion(
  wanted: string,
  given: {
    readonly current: string | undefined;
    readonly highest: string | undefined;
    readonly reason: string;
  },
): void {
  const { current, highest, reason } = given;
  assertVersionForm(wanted);
  if (reason !== '' || wanted === current || highest === undefined) return;
  if (semver.gt(wanted, highest)) return;
  const what = isLower(wanted, current)
    ? `is lower than the current ${current}`
    : `is not above ${highest}, the highest version so far`;
  throw new CodedError(`--version ${wanted} ${what}`, {
    code: 'USAGE',
    next: `give --reason "why", or leave --version out for ${nextVersion(highest)}`,
  });
}

/** Whether the version is lower than the current one. */
export function isLower(wanted: string, current: string | undefined): boolean {
  return current !== undefined && semver.valid(current) !== null && semver.lt(wanted, current);
}

/** Whether the text is a semantic version. */
export function isVersion(text: string): boolean {
  return text.length <= MAX_LENGTH && semver.valid(text) === text && VERSION_NUMBERS.test(text);
}
