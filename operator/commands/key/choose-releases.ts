import { printable } from '../../../shared/clean-text.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { isBinariesRole, releaseTarget } from '../../../trust/metadata/role-names.ts';
import type { Context } from '../../context.ts';
import { emptiedBinaries } from '../../metadata/binaries.ts';
import { isHeard } from '../../metadata/heard-releases.ts';
import { withHighestVersions } from '../../metadata/highest-version.ts';
import type { RoleContent } from '../../metadata/signed-file.ts';
import type { VerifiedMetadata } from '../../metadata/verified.ts';
import type { Repository } from '../../repository/repository.ts';
import { whoIs } from '../carry-out.ts';
import { cleanRole, droppedBinaries, requireSound } from './clean-role.ts';
import {
  type DoubtfulRelease,
  describeTarget,
  doubtfulReleases,
  doubtfulRoles,
  isOfBinaries,
  MAX_LINES,
  releaseLines,
} from './doubtful-releases.ts';
import { type DroppedReleases, releasesToDrop } from './dropped-releases.ts';
import { earlierRelease } from './earlier-release.ts';
import type { FirstList, ReleaseChoice } from './first-list.ts';
import { keptLabels } from './kept-labels.ts';

/** The releases as they will be signed. */
export interface ChosenReleases {
  /** Content of the roles that only the removed keys had signed. */
  readonly roles: ReadonlyMap<string, RoleContent>;
  /** What happens to each release, one line each. */
  readonly remarks: readonly string[];
}

/**
 * A revocation signs the content again that the removed keys had signed. When a thief had a key,
 * that may be a release of the thief, and only a person can know. Throws USAGE when no option
 * decides and there is no terminal to ask on. Throws NOT_CONFIRMED when an option would decide
 * about a release that the first attempt did not find.
 */
export async function chooseReleases(
  context: Context,
  repository: Repository,
  given: {
    readonly verified: VerifiedMetadata;
    /** Ids of the keys that lose the roles. */
    readonly removed: readonly string[];
    readonly roles: readonly string[];
    readonly choice: ReleaseChoice;
    /** Of the command: the same for all of its attempts. */
    readonly firstList: FirstList;
    /** The command to repeat, for the error. */
    readonly command: string;
  },
): Promise<ChosenReleases> {
  const { verified, removed, roles, choice, firstList, command } = given;
  const doubtful = await doubtfulReleases(repository, verified, { removed, roles });
  const environments = [...new Set(doubtful.map(({ environment }) => environment))];
  const withReleases = environments.filter((name) => !isOfBinaries(name));
  const backTo = releasesByEnvironment(withReleases, choice.backTo ?? []);
  const wish = { doubtful, given: choice.drop ?? [], backTo };
  const dropped = new Map(await releasesToDrop(repository, verified, wish));
  const drop = (environment: string, why: string) => {
    for (const each of doubtful) if (each.environment === environment) dropped.set(each.path, why);
  };
  // Each role once: a thief can list thousands of releases in one.
  const signedAgain = new Set([
    ...doubtfulRoles(verified, removed, roles),
    ...doubtful.map(({ role }) => role),
  ]);
  const binaries = [...signedAgain].find(isBinariesRole);
  if (choice.dropBinaries === true) {
    if (binaries === undefined) throw notDroppable();
    for (const each of environments.filter(isOfBinaries)) drop(each, '--drop-binaries');
  }
  const isOpen = (each: DoubtfulRelease) =>
    !backTo.has(each.environment) && !dropped.has(each.path);
  const isAsked = (each: DoubtfulRelease) => choice.keep !== true && isOpen(each);
  firstList.requireKnown(doubtful, { isAsked, choice, command });
  const openReleases = doubtful.filter(isOpen);
  const open = [...new Set(openReleases.map(({ environment }) => environment))];
  if (open.length > 0 && choice.keep !== true) {
    for (const line of releaseLines(openReleases)) context.notice(line);
    if (context.askLine === undefined || open.length > MAX_QUESTIONS) {
      throw undecided(openReleases, open, command);
    }
    for (const environment of open) {
      const answer = await context.askLine(questionFor(environment));
      if (answer === 'keep') continue;
      if (answer === 'drop') drop(environment, 'as you said');
      else if (answer !== '' && !isOfBinaries(environment)) backTo.set(environment, answer);
      else throw undecided(openReleases, [environment], command);
    }
  }
  const isEmptied =
    choice.dropBinaries === true ||
    doubtful.some(({ environment, path }) => isOfBinaries(environment) && dropped.has(path));
  const emptied = isEmptied ? binaries : undefined;
  const who = { by: whoIs(context), now: context.now() };
  const clean = new Map<string, RoleContent>();
  for (const role of signedAgain) {
    const content = cleanRole(verified, role);
    const labels = await keptLabels(repository, verified, role);
    const rest = withHighestVersions(withoutPaths(content, dropped), labels);
    clean.set(role, role === emptied ? emptiedBinaries(content, who) : rest);
  }
  const rest = doubtful.filter(({ path }) => !dropped.has(path));
  const wanted = { doubtful: rest, backTo, removed, clean };
  const chosen = await withEarlier(repository, verified, wanted);
  for (const [role, content] of chosen.roles) requireSound(verified, { role, content, command });
  const unsound = [...chosen.roles].flatMap(([role, content]) =>
    role === emptied ? [] : droppedBinaries(verified, role, content),
  );
  const remarks = unsound.map((path) => `dropped: ${printable(path, 300)}, which mm does not sign`);
  remarks.push(...droppedLines(doubtful, dropped));
  if (emptied !== undefined)
    remarks.push('dropped: all binaries; mm binaries put signs them again');
  const gone = doubtful.filter(
    ({ path, environment }) => dropped.has(path) || backTo.has(environment),
  );
  remarks.push(...elsewhere(verified, gone));
  return { ...chosen, remarks: [...chosen.remarks, ...remarks] };
}

function withoutPaths(content: RoleContent, dropped: DroppedReleases): RoleContent {
  const targets = Object.entries(jsonObject(content['targets']));
  const kept = targets.filter(([path]) => !dropped.has(path));
  return { ...content, targets: Object.fromEntries(kept) };
}

/** What is gone, why, and the command that gives hosts a release again. */
function droppedLines(doubtful: readonly DoubtfulRelease[], dropped: DroppedReleases): string[] {
  const releases = doubtful.filter(
    ({ path, environment }) => dropped.has(path) && !isOfBinaries(environment),
  );
  const shown = releases.slice(0, MAX_LINES);
  const lines = shown.map(
    ({ path, description }) => `dropped (${dropped.get(path)}): ${description}`,
  );
  const more = releases.length - shown.length;
  if (more > 0) lines.push(`dropped: ${more} more releases`);
  const without = shown.filter(({ slot }) => slot === 'current');
  const next = without.map(
    ({ environment }) =>
      `hosts of ${environment} keep what they have; next: mm publish ${environment}`,
  );
  return [...lines, ...next.slice(0, MAX_QUESTIONS)];
}

function notDroppable(): CodedError {
  return new CodedError(
    '--drop-binaries: the holder of this key has not chosen the binaries of this tree alone',
    { code: 'USAGE', next: 'mm binaries list, then mm binaries remove what is not yours' },
  );
}

/** The most questions. A class can have thousands of environments, and nobody answers so many. */
const MAX_QUESTIONS = 20;

function questionFor(environment: string): string {
  return isOfBinaries(environment)
    ? 'binaries: type "keep" to sign all of them again, or "drop" for an empty list: '
    : `release of ${environment}: type "keep" to sign it again, "drop" for none, or the version or sha256 of the release to go back to: `;
}

async function withEarlier(
  repository: Repository,
  verified: VerifiedMetadata,
  given: {
    readonly doubtful: readonly DoubtfulRelease[];
    readonly backTo: ReadonlyMap<string, string>;
    readonly removed: readonly string[];
    readonly clean: ReadonlyMap<string, RoleContent>;
  },
): Promise<ChosenReleases> {
  const { doubtful, backTo, removed, clean } = given;
  const roles = new Map(clean);
  const remarks: string[] = [];
  const kept = doubtful.filter(({ environment }) => !backTo.has(environment));
  const dropped = doubtful.filter(({ environment }) => backTo.has(environment));
  for (const line of releaseLines(kept)) remarks.push(`kept: ${line}`);
  for (const [environment, release] of backTo) {
    const role = doubtful.find((each) => each.environment === environment)?.role;
    const content = role === undefined ? undefined : roles.get(role);
    if (role === undefined || content === undefined) continue;
    const from = dropped.filter((each) => each.environment === environment);
    const not = from.map(({ sha256 }) => sha256);
    const wanted = { role, environment, given: release, removed, not };
    const target = await earlierRelease(repository, verified, wanted);
    roles.set(role, withRelease(content, environment, target));
    remarks.push(`back: ${environment} to ${describeTarget(target)}`);
  }
  return { roles, remarks };
}

/**
 * Environments that got a release by `mm promote` which is not signed again: their own keys signed
 * it.
 */
function elsewhere(verified: VerifiedMetadata, gone: readonly DoubtfulRelease[]): string[] {
  const environments = new Set(gone.map(({ environment }) => environment));
  const bySha256 = new Map(gone.map(({ sha256, path }) => [sha256, path]));
  const lines = new Set<string>();
  for (const [role, { signed }] of verified.roles) {
    for (const [path, { hashes }] of Object.entries(signed.targets)) {
      const [environment = ''] = path.split('/');
      const same = bySha256.get(hashes['sha256'] ?? '');
      if (same === undefined || environments.has(environment)) continue;
      if (!isHeard(verified, role, path)) continue;
      lines.add(
        `unchanged: ${environment} offers the tarball of ${same}; mm rollback ${environment}`,
      );
    }
  }
  const more = lines.size - MAX_LINES;
  const shown = [...lines].slice(0, MAX_LINES);
  return more > 0 ? [...shown, `unchanged: ${more} more environments offer them`] : shown;
}

/**
 * Also removes `next` of the environment, because the same key signed it, and the statement of a
 * command, because a thief could have prepared one that fits the new version of the role.
 */
function withRelease(content: RoleContent, environment: string, target: JsonObject): RoleContent {
  const { change: _, ...custom } = jsonObject(target['custom']);
  const others = Object.entries(jsonObject(content['targets'])).filter(
    ([path]) => !path.startsWith(`${environment}/`),
  );
  const path = releaseTarget(environment, 'current');
  return { ...content, targets: { ...Object.fromEntries(others), [path]: { ...target, custom } } };
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
      `--back-to ${each}: expected one release for each of the environments whose release the holder of this key may have chosen: ${known}`,
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
  const named = new Set(open);
  const lines = releaseLines(doubtful.filter(({ environment }) => named.has(environment)));
  if (open.every(isOfBinaries)) {
    return new CodedError(`the holder of the removed key may have chosen ${lines.join('; ')}`, {
      code: 'USAGE',
      next: `mm binaries list, and with another key mm binaries remove what is not yours; then ${command} --keep; or ${command} --drop-binaries for an empty list`,
      details: { releases: lines },
    });
  }
  const several = open.length > 1 ? 'ENVIRONMENT=RELEASE, once for each' : 'RELEASE';
  return new CodedError(`the holder of the removed key may have chosen ${lines.join('; ')}`, {
    code: 'USAGE',
    next: `mm releases ${open[0]} shows earlier ones; then ${command} --keep, or --back-to ${several}; or ${command} --drop ${open.length > 1 ? `ENVIRONMENT, or --drop 'PREFIX*' for a class` : open[0]}`,
    details: { releases: lines },
  });
}
