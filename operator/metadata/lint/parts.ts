import { type JsonObject, jsonObject } from '../../../shared/json.ts';
import { jsonProblem } from '../../../trust/metadata/json-limits.ts';
import { publicKeyIdentity } from '../../../trust/workflow/key-identity.ts';
import { keyIdOf } from '../../keys/public/signer.ts';

/** What no signed part may hold: hosts refuse it. `where`: the path of the value, or nothing. */
export function lintJson(where: string, value: unknown, levels?: number): string[] {
  const problem = jsonProblem(value, levels);
  if (problem === undefined) return [];
  const path = [...(where === '' ? [] : [where]), ...problem.path].join('.');
  return [`${path}: ${problem.what}`];
}

/** One public key under two ids would count twice for a threshold (attack 31). */
export function lintKeys(keys: JsonObject): string[] {
  const problems: string[] = [];
  const seen = new Map<string, string>();
  for (const [keyId, key] of Object.entries(keys)) {
    if (keyIdOf(key) !== keyId) problems.push(`keys.${keyId}: the id is not the hash of its key`);
    const identity = publicKeyIdentity(key);
    const earlier = identity === undefined ? undefined : seen.get(identity);
    if (identity === undefined) problems.push(`keys.${keyId}: no usable public key`);
    else seen.set(identity, keyId);
    if (earlier !== undefined) problems.push(`keys.${keyId}: the same key as ${earlier}`);
  }
  return problems;
}

/** Problems of the keys and the threshold of a role; empty when all are valid. */
export function lintRoleKeys(name: string, role: JsonObject, keys: JsonObject): string[] {
  const { keyids, threshold } = role as { keyids?: unknown; threshold?: unknown };
  const ids: readonly unknown[] = Array.isArray(keyids) ? keyids : [];
  const problems = ids
    .filter((id) => !Object.hasOwn(keys, String(id)))
    .map((id) => `${name}: key ${String(id)} is not among keys`);
  if (new Set(ids).size !== ids.length) problems.push(`${name}: a key id is listed twice`);
  if (!Number.isInteger(threshold) || Number(threshold) < 1 || Number(threshold) > ids.length) {
    problems.push(`${name}: wanted a threshold from 1 to ${ids.length}, found ${threshold}`);
  }
  return problems;
}

/**
 * TUF allows length and hashes to be missing or empty. A host would then accept any bytes (attack
 * 22).
 */
export function lintContent(where: string, entry: JsonObject): string[] {
  const hashes = jsonObject(entry['hashes']);
  const problems: string[] = [];
  if (!/^[0-9a-f]{64}$/.test(String(hashes['sha256']))) {
    problems.push(`${where}: wanted a sha256 in hashes`);
  }
  if (Object.keys(hashes).some((name) => name !== 'sha256')) {
    problems.push(`${where}: wanted sha256 as the only hash`);
  }
  if (!Number.isSafeInteger(entry['length']) || Number(entry['length']) < 1) {
    problems.push(`${where}: wanted a length above 0`);
  }
  return problems;
}
