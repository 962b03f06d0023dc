import { CodedError } from '../../../shared/coded-error.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { releaseTarget } from '../../../trust/metadata/role-names.ts';
import type { Context } from '../../context.ts';
import type { RoleContent } from '../../metadata/signed-file.ts';
import { contentOf, type VerifiedMetadata } from '../../metadata/verified.ts';
import type { Repository } from '../../repository/repository.ts';
import { type DoubtfulRelease, describeTarget, doubtfulReleases } from './doubtful-releases.ts';
import { earlierRelease } from './earlier-release.ts';

/** What to do with the releases that only a removed key signed. */
export interface ReleaseChoice {
  /** Sign the same releases again. */
  readonly keep?: boolean | undefined;
  /** `RELEASE` or `ENVIRONMENT=RELEASE`: what that environment gets instead. */
  readonly backTo?: readonly string[] | undefined;
}

/** The releases as they will be signed. */
export interface ChosenReleases {
  /** Content of the roles whose release changes. */
  readonly roles: ReadonlyMap<string, RoleContent>;
  /** What happens to each release, one line each. */
  readonly remarks: readonly string[];
}

/**
 * A revocation signs again what the removed keys had signed. When a thief had the key, that may be
 * the release of the thief, and only a person can know. Throws USAGE when nobody has chosen and
 * there is no terminal to ask on.
 */
export async function chooseReleases(
  context: Context,
  repository: Repository,
  given: {
    readonly verified: VerifiedMetadata;
    readonly removed: readonly string[];
    readonly choice: ReleaseChoice;
    /** The command to repeat, for the error. */
    readonly command: string;
  },
): Promise<ChosenReleases> {
  const { verified, removed, choice, command } = given;
  const doubtful = doubtfulReleases(verified, removed);
  const environments = [...new Set(doubtful.map(({ environment }) => environment))];
  const backTo = releasesByEnvironment(environments, choice.backTo ?? []);
  const open = environments.filter((name) => !backTo.has(name));
  if (open.length > 0 && choice.keep !== true) {
    for (const { description } of doubtful) context.notice(description);
    if (context.askLine === undefined) throw undecided(doubtful, open, command);
    for (const environment of open) {
      const answer = await context.askLine(
        `release of ${environment}: type "keep" to sign it again, or the version or sha256 of the release to go back to: `,
      );
      if (answer === '') throw undecided(doubtful, [environment], command);
      if (answer !== 'keep') backTo.set(environment, answer);
    }
  }
  return await withEarlier(repository, verified, { doubtful, backTo, removed });
}

async function withEarlier(
  repository: Repository,
  verified: VerifiedMetadata,
  given: {
    readonly doubtful: readonly DoubtfulRelease[];
    readonly backTo: ReadonlyMap<string, string>;
    readonly removed: readonly string[];
  },
): Promise<ChosenReleases> {
  const { doubtful, backTo, removed } = given;
  const roles = new Map<string, RoleContent>();
  const remarks: string[] = [];
  const kept = doubtful.filter(({ environment }) => !backTo.has(environment));
  for (const { description } of kept) remarks.push(`kept: ${description}`);
  for (const [environment, release] of backTo) {
    const role = doubtful.find((each) => each.environment === environment)?.role;
    const document = role === undefined ? undefined : verified.roles.get(role);
    if (role === undefined || document === undefined) continue;
    const wanted = { role, environment, given: release, removed };
    const target = await earlierRelease(repository, verified, wanted);
    const content = roles.get(role) ?? contentOf(document);
    roles.set(role, withRelease(content, environment, target));
    remarks.push(`back: ${environment} to ${describeTarget(target)}`);
  }
  return { roles, remarks };
}

/** `next` of the environment goes as well: the same key signed it. */
function withRelease(content: RoleContent, environment: string, target: JsonObject): RoleContent {
  const others = Object.entries(jsonObject(content['targets'])).filter(
    ([path]) => !path.startsWith(`${environment}/`),
  );
  const path = releaseTarget(environment, 'current');
  return { ...content, targets: { ...Object.fromEntries(others), [path]: target } };
}

function releasesByEnvironment(
  environments: readonly string[],
  backTo: readonly string[],
): Map<string, string> {
  const found = new Map<string, string>();
  for (const each of backTo) {
    const [, named, release = each] = /^(\w+)=(.+)$/.exec(each) ?? [];
    const [only, ...others] = environments;
    const environment = named ?? (others.length === 0 ? only : undefined);
    if (environment !== undefined && environments.includes(environment)) {
      if (!found.has(environment)) {
        found.set(environment, release);
        continue;
      }
    }
    const known = environments.length === 0 ? 'no environment' : environments.join(', ');
    throw new CodedError(
      `--back-to ${each}: expected one release for each of the environments whose release only this key signed: ${known}`,
      { code: 'USAGE', next: '--back-to ENVIRONMENT=RELEASE, once for each; or --keep' },
    );
  }
  return found;
}

function undecided(
  doubtful: readonly DoubtfulRelease[],
  open: readonly string[],
  command: string,
): CodedError {
  const lines = doubtful
    .filter(({ environment }) => open.includes(environment))
    .map(({ description }) => description);
  const several = open.length > 1 ? 'ENVIRONMENT=RELEASE, once for each' : 'RELEASE';
  return new CodedError(`without the removed key nobody vouches for ${lines.join('; ')}`, {
    code: 'USAGE',
    next: `mm releases ${open[0]} shows earlier ones; then ${command} --keep, or --back-to ${several}`,
    details: { releases: lines },
  });
}
