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
  // As hosts find it: by what it covers, whatever number its name ends with. Messages call a role
  // by its name alone: an older mm gave the name `env-2` to the role of `2024` that began again.
  const environments = entries.filter(({ role }) => role.startsWith('env-'));
  const found =
    environments.find(({ role, covers }) => role === given || covers.includes(given)) ??
    environments.find(({ role }) => roleWord(role) === given);
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
