import { CodedError } from '../../../shared/coded-error.ts';
import { isBinariesRole } from '../../../trust/metadata/role-names.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import type { Repository } from '../../repository/repository.ts';
import type { DoubtfulRelease } from './doubtful-releases.ts';
import { withEarlierRelease } from './earlier-release.ts';

/** Target paths that are not signed again, each with the reason. */
export type DroppedReleases = ReadonlyMap<string, string>;

/**
 * The releases that a revocation leaves out: those that the person names, and those that mm cannot
 * sign where the environment has no earlier release to go back to. Otherwise the thief of a key
 * could sign one release that keeps the key from being revoked. Throws USAGE for a name that no
 * doubtful release has.
 */
export async function releasesToDrop(
  repository: Repository,
  verified: VerifiedMetadata,
  {
    doubtful,
    given,
    backTo,
  }: {
    readonly doubtful: readonly DoubtfulRelease[];
    /** Environments, and patterns such as `dev_*`. */
    readonly given: readonly string[];
    readonly backTo: ReadonlyMap<string, string>;
  },
): Promise<DroppedReleases> {
  const releases = doubtful.filter(({ role }) => !isBinariesRole(role));
  const dropped = new Map<string, string>();
  for (const name of given) {
    const named = releases.filter(({ environment }) => isNamed(environment, name));
    if (named.length === 0) throw unknown(name, releases);
    const isPattern = name.endsWith('*');
    for (const release of named) {
      if (backTo.has(release.environment)) {
        if (isPattern) continue;
        throw both(release.environment);
      }
      // A pattern is for releases that a thief added, so it spares those that a remaining key has
      // chosen.
      if (isPattern && (await release.isVouchedFor())) continue;
      dropped.set(release.path, `--drop ${name}`);
    }
  }
  const open = releases.filter(
    ({ path, environment }) => !dropped.has(path) && !backTo.has(environment),
  );
  for (const [path, why] of await unsound(repository, verified, open)) dropped.set(path, why);
  return dropped;
}

/** `dev_*` covers the environments that begin with `dev_`. */
function isNamed(environment: string, name: string): boolean {
  return name.endsWith('*') ? environment.startsWith(name.slice(0, -1)) : environment === name;
}

/**
 * A problem of `current` ends both releases, because `next` alone is not a rollout. Without `next`
 * all hosts get `current`.
 */
async function unsound(
  repository: Repository,
  verified: VerifiedMetadata,
  releases: readonly DoubtfulRelease[],
): Promise<[path: string, why: string][]> {
  const wrong = releases.filter(({ problems }) => problems.length > 0);
  const without = wrong.filter(({ slot }) => slot === 'current');
  const byRole = Map.groupBy(without, ({ role }) => role);
  const whole = new Map(without.map(({ environment, problems }) => [environment, problems]));
  for (const [role, each] of byRole) {
    const environments = each.map(({ environment }) => environment);
    for (const environment of await withEarlierRelease(repository, verified, role, environments)) {
      whole.delete(environment);
    }
  }
  const kept = new Set(without.map(({ environment }) => environment));
  const rollouts = wrong.filter(
    ({ slot, environment }) => slot === 'next' && !kept.has(environment),
  );
  const ended = releases.filter(({ environment }) => whole.has(environment));
  return [...rollouts, ...ended].map(({ path, environment, problems }) => {
    const why = problems.length > 0 ? problems : (whole.get(environment) ?? []);
    return [path, `mm does not sign it: ${why.join('; ')}`];
  });
}

/** Limit of the names in a message: a class can have thousands of environments. */
const MAX_NAMED = 20;

function unknown(name: string, releases: readonly DoubtfulRelease[]): CodedError {
  const all = [...new Set(releases.map(({ environment }) => environment))];
  const more = all.length > MAX_NAMED ? `, and ${all.length - MAX_NAMED} more` : '';
  const known = all.length === 0 ? 'no environment' : all.slice(0, MAX_NAMED).join(', ');
  return new CodedError(
    `--drop ${name}: the holder of this key may have chosen the releases of ${known}${more} alone`,
    { code: 'USAGE', next: 'the same command without --drop lists them' },
  );
}

function both(environment: string): CodedError {
  return new CodedError(`${environment} is given to --drop and to --back-to`, {
    code: 'USAGE',
    next: `give --drop ${environment}, or --back-to ${environment}=RELEASE`,
  });
}
