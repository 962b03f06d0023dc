import type { Metadata, TargetFile, Targets } from '@tufjs/models';
import { printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { jsonObject } from '../../shared/json.ts';
import { problemOf } from '../../trust/metadata/offer.ts';
import { isBinariesRole, roleWord } from '../../trust/metadata/role-names.ts';
import { isUnreadable, whyUnreadable } from '../../trust/metadata/unreadable-role.ts';
import { lintRelease } from './lint/targets.ts';
import type { RoleContent } from './signed-file.ts';
import { contentOf, nextForNewer, type VerifiedMetadata } from './verified.ts';

/*
 * A role can list any path, and its signature does not show whether the path belongs to it. Hosts
 * look for an environment in one role only, and mm must accept no more than they do. A thief of the
 * role's key can also sign releases that hosts refuse. mm reads past them: otherwise nobody could
 * publish elsewhere, renew, or revoke the key.
 */

/** Whether hosts look for a release under the path, and in this role. */
export function isHeard({ targets }: VerifiedMetadata, role: string, path: string): boolean {
  if (!/^\w+\/(current|next)$/.test(path)) return false;
  const [found] = targets?.signed.delegations?.rolesForTarget(path) ?? [];
  return found?.role === role;
}

/** The environments that the role lists releases of, and for which it answers. */
export function environmentsIn(verified: VerifiedMetadata, role: string): ReadonlySet<string> {
  const paths = Object.keys(verified.roles.get(role)?.signed.targets ?? {});
  const heard = paths.filter((path) => isHeard(verified, role, path));
  return new Set(heard.map(environmentOf));
}

/**
 * Throws METADATA_INVALID when the role lists a path that targets does not delegate to it. No mm
 * signs that: somebody else did, or it is the file of another role.
 */
export function requireOwnPaths({ roles, targets }: VerifiedMetadata, role: string): void {
  for (const path of Object.keys(roles.get(role)?.signed.targets ?? {})) {
    const [found] = targets?.signed.delegations?.rolesForTarget(path) ?? [];
    if (found?.role === role) continue;
    throw new CodedError(
      `role ${printable(role, 100)} lists ${printable(path, 300)}, which does not belong to it; nothing was changed`,
      {
        code: 'METADATA_INVALID',
        next: 'mm key list shows who signs for it; mm key revoke NAME takes the key of who did this, and signs the role without it',
        details: { role, path },
      },
    );
  }
}

/** What hosts refuse in the file of a role, or do not install. */
export interface Unreadable {
  readonly role: string;
  /** `testing/current`; undefined when the whole file cannot be read. */
  readonly path: string | undefined;
  readonly why: string;
  /** The command that replaces it. */
  readonly next: string;
}

export function unreadableReleases(verified: VerifiedMetadata): Unreadable[] {
  const refused = [...verified.roles].flatMap(([role, document]): Unreadable[] => {
    const why = whyUnreadable(document);
    if (why !== undefined) return [{ role, path: undefined, why, next: replacing(role) }];
    const { targets, delegations } = document.signed;
    const releases = Object.entries(targets)
      .filter(([path]) => isHeard(verified, role, path))
      .map(([path, target]) => refusedRelease(role, path, target));
    return [delegations && delegating(role), ...releases].filter((each) => each !== undefined);
  });
  return [...rolesWithoutFile(verified).map(withoutFile), ...refused];
}

function refusedRelease(role: string, path: string, target: TargetFile): Unreadable | undefined {
  const problem = problemOf(target)?.message;
  if (problem !== undefined)
    return { role, path, why: printable(problem, 300), next: replacing(role, path) };
  const { schema, minAgent } = target.custom;
  if (schema !== 1) return { role, path, why: TOO_NEW, next: nextForNewer(environmentOf(path)) };
  if (minAgent === null) return undefined;
  const wanted = JSON.stringify(minAgent);
  const why = `it is only for agents from ${wanted} on, which no mm asks for`;
  return { role, path, why: printable(why, 300), next: replacing(role, path) };
}

/** Why neither hosts nor this mm use a release with another schema. */
export const TOO_NEW = 'a newer mm signed it, or the thief of a key';

/** Hosts ignore it. It shows that the key is in other hands. */
function delegating(role: string): Unreadable {
  const next = isBinariesRole(role) ? replacing(role) : 'mm key list, then mm key revoke NAME';
  return { role, path: undefined, why: 'it delegates further, which no mm signs', next };
}

function withoutFile(role: string): Unreadable {
  const next = isBinariesRole(role)
    ? 'mm binaries put FILE'
    : `mm publish ${roleWord(role).replace('*', 'NAME')}`;
  return { role, path: undefined, why: 'the snapshot lists no file of it', next };
}

function replacing(role: string, path?: string): string {
  if (isBinariesRole(role)) return 'mm key list, then mm key revoke NAME --drop-binaries';
  const environment = path === undefined ? roleWord(role) : environmentOf(path);
  return environment.endsWith('*')
    ? `mm key list, then mm key revoke NAME --drop '${environment}'`
    : `mm publish ${environment}`;
}

function environmentOf(path: string): string {
  return path.split('/')[0] ?? '';
}

/** Delegated roles that no snapshot lists, because a recovery found no file that still counts. */
export function rolesWithoutFile({
  targets,
  roles,
}: Pick<VerifiedMetadata, 'targets' | 'roles'>): string[] {
  const delegated = Object.keys(targets?.signed.delegations?.roles ?? {});
  return delegated.filter((role) => !roles.has(role));
}

/** Throws METADATA_MISSING when there is such a role. */
export function requireFiles(verified: VerifiedMetadata): void {
  const [role] = rolesWithoutFile(verified);
  if (role === undefined) return;
  const missing = withoutFile(role);
  throw new CodedError(`${problemLine(missing)}; nothing was changed`, {
    code: 'METADATA_MISSING',
    next: missing.next,
    details: { role },
  });
}

/** Limit of the releases that a message names: a class can have thousands. */
const MAX_NAMED = 10;

/** One line for each, with the command that ends it. */
export function unreadableLines(verified: VerifiedMetadata): string[] {
  const found = unreadableReleases(verified);
  const lines = found.slice(0, MAX_NAMED).map((each) => `${problemLine(each)}; next: ${each.next}`);
  const more = found.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more that hosts refuse`] : lines;
}

export function problemLine({ role, path, why }: Unreadable): string {
  const what = path === undefined ? `what is signed for ${roleWord(role)}` : path;
  return `hosts refuse ${what} and keep what they have: ${why}`;
}

/**
 * The content of a role, to be signed again, without the releases that hosts refuse: mm never signs
 * them. A list of binaries stays as it is, because those that it loses would be gone.
 */
export function readableContent(
  verified: VerifiedMetadata,
  role: string,
  document: Metadata<Targets>,
): RoleContent {
  const content = contentOf(document);
  if (isBinariesRole(role)) return content;
  const { targets: signed } = document.signed;
  const all = Object.entries(jsonObject(content['targets']));
  if (isUnreadable(document)) {
    const sound = all.filter(
      ([path, target]) =>
        isHeard(verified, role, path) && lintRelease(path, jsonObject(target)).length === 0,
    );
    return { _type: 'targets', targets: Object.fromEntries(sound) };
  }
  const isRefused = (path: string) => isHeard(verified, role, path) && problemOf(signed[path]);
  const targets = Object.fromEntries(all.filter(([path]) => !isRefused(path)));
  return { ...content, targets };
}
