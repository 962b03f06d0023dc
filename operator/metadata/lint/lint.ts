import { CodedError } from '../../../shared/coded-error.ts';
import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import {
  type FileType,
  MAX_FILE_BYTES,
  maxSignedBytes,
} from '../../../trust/metadata/file-limits.ts';
import { isBinariesRole } from '../../../trust/metadata/role-names.ts';
import { isVersion, MAX_VERSION } from '../../../trust/metadata/version-limits.ts';
import { lintContent, lintJson, lintKeys, lintRoleKeys } from './parts.ts';
import { lintTargets } from './targets.ts';

export interface LintContext {
  /** `root`, `targets`, `snapshot`, `timestamp` or `env-<name>`. */
  readonly role: string;
  readonly treeId: string;
  /** ms since 1970. */
  readonly now: number;
}

/**
 * Limit of the problems that a message names. A thief may have signed thousands of wrong entries.
 */
const MAX_PROBLEMS_SHOWN = 20;

/**
 * Checks that go beyond TUF: such a document would be valid, but mm never publishes it. Throws
 * METADATA_INVALID with every problem of the document. Nothing that fails here may be signed.
 */
export function assertSound(signed: JsonObject, context: LintContext): void {
  const problems = lint(signed, context);
  if (problems.length === 0) return;
  const shown = problems.slice(0, MAX_PROBLEMS_SHOWN);
  const rest = problems.length - shown.length;
  const all = rest === 0 ? shown : [...shown, `and ${rest} more`];
  throw new CodedError(`${context.role} must not be signed: ${all.join('; ')}`, {
    code: 'METADATA_INVALID',
    next: nextFor(context.role),
    details: { role: context.role, problems: shown },
  });
}

/** A thief of one of the role's keys may have signed the present version, which mm continues. */
function nextFor(role: string): string {
  if (role.startsWith('env-')) {
    return 'nothing was signed; see who signed its current version: mm key list, then mm key revoke NAME --back-to RELEASE, or --drop ENVIRONMENT';
  }
  if (isBinariesRole(role)) {
    return 'nothing was signed; see who signed its current version: mm key list, then mm key revoke NAME --drop-binaries';
  }
  if (role === 'snapshot' || role === 'timestamp') {
    return 'nothing was signed; if an online key was stolen: mm key rotate --role online --recover --add KEY';
  }
  return 'this is a defect in mm, in the keys or in the configuration; nothing was signed';
}

/** The problems as text; empty when the document is sound. */
export function lint(signed: JsonObject, { role, treeId, now }: LintContext): string[] {
  // Before all that calls itself for each level.
  const unsignable = lintJson('', signed);
  if (unsignable.length > 0) return unsignable;
  const problems = [...lintHeader(signed, treeId, now), ...lintSize(signed)];
  switch (signed['_type']) {
    case 'root':
      return [...problems, ...lintRoot(signed)];
    case 'targets':
      if (signed['x-role'] !== role) problems.push(`x-role: wanted ${JSON.stringify(role)}`);
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
  if (!/^1\.\d+(\.\d+)?$/.test(String(signed['spec_version']))) {
    problems.push('spec_version: wanted 1, as hosts read it');
  }
  if (signed['x-tree'] !== treeId) problems.push(`x-tree: wanted ${JSON.stringify(treeId)}`);
  if (!isVersion(version)) problems.push(`version: wanted 1 to ${MAX_VERSION}`);
  if (typeof expires !== 'string' || !isInstant(expires)) {
    problems.push('expires: wanted a time like 2027-01-31T00:00:00Z');
  } else if (!(Date.parse(expires) > now)) {
    problems.push(`expires: ${expires} is not in the future`);
  }
  return problems;
}

/** Dates that no calendar has, such as 30 February, are read in different ways. */
function isInstant(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return false;
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString() === text.replace('Z', '.000Z');
}

function lintSize(signed: JsonObject): string[] {
  const type = String(signed['_type']);
  const most = Object.hasOwn(MAX_FILE_BYTES, type) ? maxSignedBytes(type as FileType) : 0;
  const bytes = Buffer.byteLength(JSON.stringify(signed));
  return bytes <= most ? [] : [`${bytes} bytes: wanted at most ${most}, hosts read no more`];
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
