import { CodedError } from '../../shared/coded-error.ts';
import { isJsonObject, type JsonObject } from '../../shared/json.ts';
import { publicKeyIdentity } from './key-identity.ts';

/**
 * What TUF does not ask of a file and we do, on bytes whose signatures nobody has checked yet. Throws METADATA_INVALID
 * for what is no metadata, TREE_MISMATCH for another tree's: trees whose keys are shared verify each other's files, and a
 * thief of the bucket could copy one tree over the other (attack 12). Gives the signed part.
 */
export function inspectMetadata(bytes: Uint8Array, file: string, treeId: string): JsonObject {
  const signed = parseSigned(bytes, file);
  const found = signed['x-tree'];
  if ((found ?? '') !== treeId) {
    throw new CodedError(
      `${file} belongs to tree ${printable(found)}, this host trusts tree ${JSON.stringify(treeId)}`,
      {
        code: 'TREE_MISMATCH',
        next: 'compare bucket and tree in the configuration with the installed root.json',
        details: { file, found: printable(found), wanted: treeId },
      },
    );
  }
  refuseDoubleKeys(signed, file);
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
    throw invalid(file, 'it is not JSON', cause);
  }
  if (isJsonObject(document) && isJsonObject(document['signed'])) return document['signed'];
  throw invalid(file, 'it has no signed part');
}

/** One key under two ids would count twice towards a threshold (attack 31). */
function refuseDoubleKeys(signed: JsonObject, file: string): void {
  const holder = isJsonObject(signed['delegations']) ? signed['delegations'] : signed;
  if (!isJsonObject(holder['keys'])) return;
  const seen = new Map<string, string>();
  for (const [keyId, key] of Object.entries(holder['keys'])) {
    const identity = publicKeyIdentity(key);
    const earlier = identity === undefined ? undefined : seen.get(identity);
    if (earlier !== undefined) {
      throw invalid(file, `key ids ${earlier} and ${keyId} are one public key`);
    }
    if (identity !== undefined) seen.set(identity, keyId);
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

/** Bytes of a stranger: short, and without anything that a terminal obeys. */
function printable(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : `(${typeof value})`;
}
