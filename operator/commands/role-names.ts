import { CodedError } from '../../shared/coded-error.ts';
import { didYouMean } from '../../shared/suggestion.ts';
import { BINARIES_ROLE, isBinariesRole, roleWord } from '../../trust/metadata/role-names.ts';
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
  // As hosts find it: by what it covers, whatever number its name ends with.
  const found = entries.find(
    ({ role, covers }) => role.startsWith('env-') && (role === given || covers.includes(given)),
  );
  if (found !== undefined) return [found.role];
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
