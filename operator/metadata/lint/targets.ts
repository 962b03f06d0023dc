import type * as z from 'zod';
import { BinaryCustom } from '../../../bucket/documents/binary.ts';
import { BINARY_NAME } from '../../../bucket/documents/name-rules.ts';
import { ReleaseCustom } from '../../../bucket/documents/release.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { MAX_LEVELS } from '../../../trust/metadata/json-limits.ts';
import {
  BINARY_PATHS,
  binaryTarget,
  environmentPattern,
  isBinariesRole,
} from '../../../trust/metadata/role-names.ts';
import { DELEGATED_ROLE, patternsOverlap } from './environment-pattern.ts';
import { lintContent, lintJson, lintKeys, lintRoleKeys } from './parts.ts';

/**
 * Problems of a targets document. The top-level document only delegates; the document of an
 * environment only lists releases, and that of the role of binaries only binaries.
 */
export function lintTargets(signed: JsonObject, role: string): string[] {
  const targets = Object.entries(jsonObject(signed['targets']));
  if (role === 'targets') {
    const problems = targets.map(([path]) => `targets: release ${path} outside an environment`);
    return [...problems, ...lintDelegations(jsonObject(signed['delegations']))];
  }
  const lintTarget = isBinariesRole(role) ? lintBinary : lintRelease;
  const problems = targets.flatMap(([path, target]) => lintTarget(path, jsonObject(target)));
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
  const isBinaries = isBinariesRole(name);
  if (!isBinaries && !DELEGATED_ROLE.test(name)) {
    problems.push(`${name}: wanted a role name like env-stable`);
  }
  if (role['terminating'] !== true) problems.push(`${name}: wanted terminating true`);
  const paths = pathsOf(role);
  if (isBinaries) return [...problems, ...lintBinaryPaths(name, paths)];
  if (paths.length === 0) problems.push(`${name}: wanted paths, found none`);
  for (const path of paths) {
    if (environmentPattern(path) === undefined) {
      problems.push(`${name}: wanted paths like stable/* or dev_*/*, found ${path}`);
    }
  }
  return problems;
}

function lintBinaryPaths(name: string, paths: readonly string[]): string[] {
  const found = paths.join(', ');
  return found === BINARY_PATHS ? [] : [`${name}: wanted paths ${BINARY_PATHS}, found ${found}`];
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

/** A target is two levels below the signed part. */
const TARGET_LEVELS = MAX_LEVELS - 2;

/** Problems of one release. Empty when mm would sign it. */
export function lintRelease(path: string, target: JsonObject): string[] {
  const problems = [...lintJson(path, target, TARGET_LEVELS), ...lintContent(path, target)];
  if (!/^\w+\/(current|next)$/.test(path)) problems.push(`${path}: wanted <environment>/current`);
  return [...problems, ...lintCustom(path, ReleaseCustom.safeParse(target['custom']))];
}

/** Problems of one binary. Empty when mm would sign it. */
export function lintBinary(path: string, target: JsonObject): string[] {
  const problems = [...lintJson(path, target, TARGET_LEVELS), ...lintContent(path, target)];
  const name = path.slice(binaryTarget('').length);
  if (path !== binaryTarget(name) || !BINARY_NAME.test(name)) {
    problems.push(`${path}: wanted ${binaryTarget('<name>')}`);
  }
  return [...problems, ...lintCustom(path, BinaryCustom.safeParse(target['custom']))];
}

function lintCustom(path: string, { error }: z.ZodSafeParseResult<unknown>): string[] {
  const [issue] = error?.issues ?? [];
  return issue === undefined ? [] : [`${path}: custom.${issue.path.join('.')}: ${issue.message}`];
}
