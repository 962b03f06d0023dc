import { messageOf, printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { isJsonObject, type JsonObject, jsonObject } from '../../shared/json.ts';
import { jsonProblem } from '../metadata/json-limits.ts';
import { roleOfFile } from '../metadata/role-names.ts';
import { isVersion, MAX_VERSION } from '../metadata/version-limits.ts';
import { readKey } from './key-identity.ts';

/**
 * Limit of the keys and of the roles in a root. Anyone who can write to the bucket can put a file
 * in the name of the next root, and every host reads it before it verifies signatures.
 */
const MAX_ROOT_KEYS = 100;
/** Limit of the keys to which one file delegates. To read 1,000 P-256 keys takes two seconds. */
const MAX_DELEGATED_KEYS = 1000;
/** Limit of the roles that one file delegates. A tree has one for each environment or class. */
const MAX_DELEGATED_ROLES = 5000;

/**
 * Checks what Miyamoto requires of a file beyond TUF, before any signature is verified: the tree,
 * the role, what JSON may hold, the versions, the number of keys and roles, and that each key
 * occurs once. Returns the signed part. Throws as `identifyMetadata`, and METADATA_INVALID. `file`:
 * TUF's name or the kept one, `7.env-stable.json`, `env-stable.json`.
 */
export function inspectMetadata(bytes: Uint8Array, file: string, treeId: string): JsonObject {
  const signed = identifyMetadata(bytes, file, treeId);
  requireUsable(signed, file);
  return signed;
}

/**
 * Checks only to which tree and role a file belongs, and returns the signed part. Throws
 * METADATA_INVALID. Throws TREE_MISMATCH for a file of another tree: trees that share keys verify
 * each other's files, and a thief of the bucket could copy one tree over the other (attack 12).
 * Throws METADATA_MISMATCH for the file of another role.
 */
export function identifyMetadata(bytes: Uint8Array, file: string, treeId: string): JsonObject {
  const signed = parseSigned(bytes, file);
  requireTree(signed['x-tree'], file, treeId);
  requireRole(signed['x-role'], file);
  return signed;
}

/**
 * Returns why hosts refuse a file that `identifyMetadata` accepts. A publisher reads such a file
 * when the keys of the role have signed it.
 */
export function refusalOf(bytes: Uint8Array, file: string): CodedError | undefined {
  try {
    requireUsable(parseSigned(bytes, file), file);
    return undefined;
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

function requireUsable(signed: JsonObject, file: string): void {
  // Must be the first check: the other functions recurse for each level.
  requireJson(signed, file);
  requireVersions(signed, file);
  requireFew(signed, file);
  // Both lists are checked, because a file with both could hide one list of keys behind the other.
  requireDistinctKeys(signed, file);
  requireDistinctKeys(jsonObject(signed['delegations']), file);
}

/** The tree that a root stands for. Throws ROOT_INVALID when it names none. */
export function treeIdOf(root: Uint8Array): string {
  const treeId = parseSigned(root, 'root.json')['x-tree'];
  if (typeof treeId === 'string' && treeId.length > 0) return treeId;
  throw new CodedError('the installed root.json names no tree: it has no signed x-tree', {
    code: 'ROOT_INVALID',
    next: 'install the root.json that mm init made for this tree',
  });
}

function parseSigned(bytes: Uint8Array, file: string): JsonObject {
  let document: unknown;
  try {
    document = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw invalid(file, `it is not JSON: ${messageOf(cause, 200)}`, cause);
  }
  if (isJsonObject(document) && isJsonObject(document['signed'])) return document['signed'];
  throw invalid(file, 'it has no signed part');
}

function requireTree(value: unknown, file: string, treeId: string): void {
  if ((value ?? '') === treeId) return;
  const found = quoted(value);
  throw new CodedError(
    `${file} belongs to tree ${found}, this host trusts tree ${JSON.stringify(treeId)}`,
    {
      code: 'TREE_MISMATCH',
      next: 'compare bucket and tree in the configuration with the installed root.json',
      details: { file, found, wanted: treeId },
    },
  );
}

/**
 * Whether a file has a signed `x-role`. After such a file, one without it cannot be the next one,
 * because an mm that writes it keeps writing it. It can be an old file of another role.
 */
export function namesRole(bytes: Uint8Array): boolean {
  return parseSigned(bytes, 'metadata')['x-role'] !== undefined;
}

/**
 * Roles that share keys verify each other's files. Anyone with an online key and write access to
 * the bucket could otherwise list the file of one role as the newest one of another (attack 12h).
 */
function requireRole(value: unknown, file: string): void {
  if (value === undefined || value === roleOfFile(file)) return;
  throw new CodedError(
    `${file} was signed as the file of role ${quoted(value)}, and is here under another name`,
    {
      code: 'METADATA_MISMATCH',
      next: 'look at the object with mm doctor; the current release stays',
      details: { file },
    },
  );
}

function requireJson(signed: JsonObject, file: string): void {
  const problem = jsonProblem(signed);
  if (problem === undefined) return;
  throw invalid(file, `${printable(problem.path.join('.'), 100)}: ${problem.what}`);
}

/** The file's own version, and those of the files that it lists. */
function requireVersions(signed: JsonObject, file: string): void {
  const listed = Object.entries(jsonObject(signed['meta'])).map(
    ([name, entry]) => [` of ${quoted(name)}`, jsonObject(entry)['version']] as const,
  );
  for (const [what, version] of [['', signed['version']] as const, ...listed]) {
    if (isVersion(version)) continue;
    throw invalid(
      file,
      `wanted a version${what} from 1 to ${MAX_VERSION}, found ${quoted(version)}`,
    );
  }
}

/** Must come before all work whose cost grows with the number of keys or roles. */
function requireFew(signed: JsonObject, file: string): void {
  const { keys, roles } = jsonObject(signed['delegations']);
  const limits = [
    ['keys', signed['keys'], MAX_ROOT_KEYS],
    ['roles', signed['roles'], MAX_ROOT_KEYS],
    ['delegated keys', keys, MAX_DELEGATED_KEYS],
    ['delegated roles', roles, MAX_DELEGATED_ROLES],
  ] as const;
  for (const [what, list, most] of limits) {
    const count = typeof list === 'object' && list !== null ? Object.keys(list).length : 0;
    if (count > most) throw invalid(file, `wanted at most ${most} ${what}, found ${count}`);
  }
}

/** One key under two ids would count twice for a threshold (attack 31). */
function requireDistinctKeys(holder: JsonObject, file: string): void {
  const seen = new Map<string, string>();
  for (const [keyId, key] of Object.entries(jsonObject(holder['keys']))) {
    const reading = readKey(key);
    if (reading.kind === 'ambiguous') {
      throw invalid(
        file,
        `key id ${quoted(keyId)} has a key that has a second form: ${reading.why}`,
      );
    }
    if (reading.kind === 'unusable') continue;
    const earlier = seen.get(reading.spki);
    if (earlier !== undefined) {
      throw invalid(file, `key ids ${quoted(earlier)} and ${quoted(keyId)} are one public key`);
    }
    seen.set(reading.spki, keyId);
  }
}

function invalid(file: string, what: string, cause?: unknown): CodedError {
  return new CodedError(`${file} is not usable as signed metadata: ${what}`, {
    code: 'METADATA_INVALID',
    cause,
    next: 'look at the object with mm doctor; the current release stays',
    details: { file },
  });
}

function quoted(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(printable(value, 100));
  return typeof value === 'number' ? String(value) : `(${typeof value})`;
}
