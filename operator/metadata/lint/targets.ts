import { ReleaseCustom } from '../../../bucket/documents/release.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { environmentPattern, patternsOverlap } from './environment-pattern.ts';
import { lintContent, lintKeys, lintRoleKeys } from './parts.ts';

/**
 * Problems of a targets document. The top-level document only delegates; the document of an
 * environment only lists releases.
 */
export function lintTargets(signed: JsonObject, role: string): string[] {
  const targets = Object.entries(jsonObject(signed['targets']));
  if (role === 'targets') {
    const problems = targets.map(([path]) => `targets: release ${path} outside an environment`);
    return [...problems, ...lintDelegations(jsonObject(signed['delegations']))];
  }
  const problems = targets.flatMap(([path, target]) => lintRelease(path, jsonObject(target)));
  if (signed['delegations'] !== undefined) problems.push(`${role}: wanted no further delegations`);
  return problems;
}

function lintDelegations(delegations: JsonObject): string[] {
  const keys = jsonObject(delegations['keys']);
  const listed = delegations['roles'];
  const roles = (Array.isArray(listed) ? listed : []).map(jsonObject);
  return [
    ...lintKeys(keys),
    ...roles.flatMap((role) => lintDelegatedRole(role, keys)),
    ...lintNames(roles),
    ...lintOverlaps(roles),
  ];
}

function lintDelegatedRole(role: JsonObject, keys: JsonObject): string[] {
  const name = String(role['name']);
  const problems = lintRoleKeys(name, role, keys);
  if (!/^env-\w+(-\d+)?$/.test(name)) problems.push(`${name}: wanted a role name like env-stable`);
  if (role['terminating'] !== true) problems.push(`${name}: wanted terminating true`);
  const paths = pathsOf(role);
  if (paths.length === 0) problems.push(`${name}: wanted paths, found none`);
  for (const path of paths) {
    if (environmentPattern(path) === undefined) {
      problems.push(`${name}: wanted paths like stable/* or dev_*/*, found ${path}`);
    }
  }
  return problems;
}

function lintNames(roles: readonly JsonObject[]): string[] {
  const names = roles.map((role) => String(role['name']));
  return names
    .filter((name, index) => names.indexOf(name) !== index)
    .map((name) => `${name}: delegated twice`);
}

/**
 * When paths overlap, the order of the delegations decides who may write an environment. A reader
 * would not notice that.
 */
function lintOverlaps(roles: readonly JsonObject[]): string[] {
  const all = roles.flatMap((role) => pathsOf(role).map((path) => ({ role, path })));
  return all.flatMap((a, index) =>
    all
      .slice(index + 1)
      .filter((b) => patternsOverlap(a.path, b.path))
      .map((b) => `paths of ${a.role['name']} and ${b.role['name']} overlap: ${a.path}, ${b.path}`),
  );
}

function pathsOf(role: JsonObject): readonly string[] {
  const { paths } = role as { paths?: unknown };
  return Array.isArray(paths) ? paths.map(String) : [];
}

function lintRelease(path: string, target: JsonObject): string[] {
  const problems = lintContent(path, target);
  if (!/^\w+\/(current|next)$/.test(path)) problems.push(`${path}: wanted <environment>/current`);
  const custom = ReleaseCustom.safeParse(target['custom']);
  if (!custom.success) {
    const [issue] = custom.error.issues;
    problems.push(`${path}: custom.${issue?.path.join('.')}: ${issue?.message}`);
  }
  return problems;
}
