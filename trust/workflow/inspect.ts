import { messageOf, printable } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { isJsonObject, type JsonObject, jsonObject } from '../../shared/json.ts';
import { isVersion, MAX_VERSION } from '../metadata/version-limits.ts';
import { readKey } from './key-identity.ts';

/**
 * Checks what TUF does not ask of a file and Miyamoto does, before any signature is verified: the
 * tree, the versions, and that each key occurs once. Returns the signed part. Throws
 * METADATA_INVALID, and TREE_MISMATCH for a file of another tree: trees that share keys verify each
 * other's files, and a thief of the bucket could copy one tree over the other (attack 12).
 */
export function inspectMetadata(bytes: Uint8Array, file: string, treeId: string): JsonObject {
  const signed = parseSigned(bytes, file);
  requireTree(signed['x-tree'], file, treeId);
  requireVersions(signed, file);
  requireDistinctKeys(signed, file);
  return signed;
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

/** One key under two ids would count twice towards a threshold (attack 31). */
function requireDistinctKeys(signed: JsonObject, file: string): void {
  const holder = isJsonObject(signed['delegations']) ? signed['delegations'] : signed;
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
