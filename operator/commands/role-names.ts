import { EnvironmentName } from '../../bucket/documents/names.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { didYouMean } from '../../shared/suggestion.ts';
import {
  BINARIES_ROLE,
  baseRole,
  environmentRole,
  isBinariesRole,
  roleWord,
} from '../../trust/metadata/role-names.ts';
import { CLASS_PATTERN } from '../metadata/environment-classes.ts';
import { roleEntries } from '../metadata/role-keys.ts';
import type { VerifiedMetadata } from '../metadata/verified.ts';

/**
 * The TUF roles of a name on the command line: `root`, `targets`, `online` (snapshot and timestamp,
 * which always have the same keys), `binaries`, or an environment. Throws USAGE.
 */
export function rolesNamed(verified: VerifiedMetadata, given: string): readonly string[] {
  if (given === 'root' || given === 'targets') return [given];
  if (given === 'online') return ['snapshot', 'timestamp'];
  const entries = roleEntries(verified);
  if (given === BINARIES_ROLE) {
    const binaries = entries.find(({ role }) => isBinariesRole(role));
    if (binaries !== undefined) return [binaries.role];
  }
  const found = entries.find(
    ({ role }) => role === given || baseRole(role) === environmentRole(given),
  );
  const isName = EnvironmentName.safeParse(given).success || CLASS_PATTERN.test(given);
  if (found?.role.startsWith('env-') === true && (isName || given === found.role)) {
    return [found.role];
  }
  const known = [...new Set(entries.map(({ role }) => roleWord(role)))];
  const hint = didYouMean(given, known);
  throw new CodedError(
    `no role ${JSON.stringify(given)}${hint || ':'} there are ${known.join(', ')}`,
    {
      code: 'USAGE',
      next: 'mm key list',
    },
  );
}
