import { CodedError } from '../../../shared/coded-error.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { isVersion, MAX_VERSION } from '../../../trust/metadata/version-limits.ts';
import { lintContent, lintKeys, lintRoleKeys } from './parts.ts';
import { lintTargets } from './targets.ts';

export interface LintContext {
  /** `root`, `targets`, `snapshot`, `timestamp` or `env-<name>`. */
  readonly role: string;
  readonly treeId: string;
  /** ms since 1970. */
  readonly now: number;
}

/**
 * Checks that go beyond TUF: such a document would be valid, but mm never publishes it. Throws
 * METADATA_INVALID with every problem of the document. Nothing that fails here may be signed.
 */
export function assertSound(signed: JsonObject, context: LintContext): void {
  const problems = lint(signed, context);
  if (problems.length === 0) return;
  throw new CodedError(`${context.role} must not be signed: ${problems.join('; ')}`, {
    code: 'METADATA_INVALID',
    next: 'this is a defect in mm, in the keys or in the configuration; nothing was signed',
    details: { role: context.role, problems },
  });
}

/** The problems as text; empty when the document is sound. */
export function lint(signed: JsonObject, { role, treeId, now }: LintContext): string[] {
  const problems = [...lintHeader(signed, treeId, now), ...lintNumbers(signed, '')];
  switch (signed['_type']) {
    case 'root':
      return [...problems, ...lintRoot(signed)];
    case 'targets':
      return [...problems, ...lintTargets(signed, role)];
    case 'snapshot':
    case 'timestamp':
      return [...problems, ...lintMeta(jsonObject(signed['meta']))];
    default:
      return [...problems, `_type: wanted a TUF role, found ${JSON.stringify(signed['_type'])}`];
  }
}

function lintHeader(signed: JsonObject, treeId: string, now: number): string[] {
  const problems: string[] = [];
  const { version, expires } = signed as { version?: unknown; expires?: unknown };
  if (signed['x-tree'] !== treeId) problems.push(`x-tree: wanted ${JSON.stringify(treeId)}`);
  if (!isVersion(version)) problems.push(`version: wanted 1 to ${MAX_VERSION}`);
  if (typeof expires !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(expires)) {
    problems.push('expires: wanted a time like 2027-01-31T00:00:00Z');
  } else if (!(Date.parse(expires) > now)) {
    problems.push(`expires: ${expires} is not in the future`);
  }
  return problems;
}

/** Canonical JSON has no floats, and parsers disagree on integers above 2^53. */
function lintNumbers(value: unknown, path: string): string[] {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? [] : [`${path}: wanted an integer, found ${value}`];
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    lintNumbers(inner, path === '' ? key : `${path}.${key}`),
  );
}

function lintRoot(signed: JsonObject): string[] {
  const keys = jsonObject(signed['keys']);
  const roles = jsonObject(signed['roles']);
  const problems = lintKeys(keys);
  if (signed['consistent_snapshot'] !== true) problems.push('consistent_snapshot: wanted true');
  for (const name of ['root', 'targets', 'snapshot', 'timestamp']) {
    problems.push(...lintRoleKeys(name, jsonObject(roles[name]), keys));
  }
  return problems;
}

function lintMeta(meta: JsonObject): string[] {
  const problems = Object.keys(meta).length === 0 ? ['meta: wanted an entry, found none'] : [];
  for (const [file, value] of Object.entries(meta)) {
    const entry = jsonObject(value);
    if (!isVersion(entry['version'])) {
      problems.push(`meta.${file}: wanted a version from 1 to ${MAX_VERSION}`);
    }
    problems.push(...lintContent(`meta.${file}`, entry));
  }
  return problems;
}
