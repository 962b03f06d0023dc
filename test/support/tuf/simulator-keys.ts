import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';

/** An Ed25519 key of the simulator, with its public part as TUF writes it. */
export interface SimulatedKey {
  readonly keyId: string;
  readonly json: KeyJson;
  readonly privateKey: KeyObject;
}

export interface KeyJson {
  keytype: string;
  scheme: string;
  keyval: { public: string };
  [field: string]: unknown;
}

export function newKey(): SimulatedKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const hex = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
  return underOwnId({ keytype: 'ed25519', scheme: 'ed25519', keyval: { public: hex } }, privateKey);
}

/** A P-256 key, in the hex of its uncompressed point. */
export function newEcdsaKey(): SimulatedKey {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  return underOwnId(ecdsaJson(point.toString('hex')), privateKey);
}

/**
 * The same P-256 key with its point in another form: 2 and 3 are compressed, 6 and 7 are hybrid.
 */
export function otherPointOf(key: SimulatedKey, form: 'compressed' | 'hybrid'): SimulatedKey {
  const point = Buffer.from(key.json.keyval.public, 'hex');
  const isOdd = (point.at(-1) ?? 0) & 1;
  const first = Buffer.from([(form === 'compressed' ? 2 : 6) + isOdd]);
  const rest = point.subarray(1, form === 'compressed' ? 33 : 65);
  const hex = Buffer.concat([first, rest]).toString('hex');
  return underOwnId(ecdsaJson(hex), key.privateKey);
}

function ecdsaJson(hex: string): KeyJson {
  return { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: hex } };
}

/** The same key once more under another id: what attack 31 needs. */
export function aliasOf(key: SimulatedKey): SimulatedKey {
  return underOwnId({ ...key.json, alias: true }, key.privateKey);
}

/** The same key in PEM, which a careless comparison takes for another one. */
export function pemAliasOf(key: SimulatedKey): SimulatedKey {
  const der = Buffer.from(`302a300506032b6570032100${key.json.keyval.public}`, 'hex');
  const pem = `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;
  return underOwnId({ ...key.json, keyval: { public: pem } }, key.privateKey);
}

function underOwnId(json: KeyJson, privateKey: KeyObject): SimulatedKey {
  return { keyId: sha256(canonicalize(json)), json, privateKey };
}

/** A metadata file: the document with one signature per key. */
export function signDocument(signed: object, keys: readonly SimulatedKey[]): Buffer {
  const bytes = Buffer.from(canonicalize(signed));
  const signatures = keys.map(({ keyId, privateKey }) => ({
    keyid: keyId,
    sig: sign(null, bytes, privateKey).toString('hex'),
  }));
  return Buffer.from(JSON.stringify({ signatures, signed }));
}

export function keyTable(keys: readonly SimulatedKey[]): Record<string, KeyJson> {
  return Object.fromEntries(keys.map(({ keyId, json }) => [keyId, json]));
}

export function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
