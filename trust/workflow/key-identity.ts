import { createPublicKey, KeyObject } from 'node:crypto';
import { getPublicKey } from '@tufjs/models/dist/utils/key.js';
import { isJsonObject } from '../../shared/json.ts';

/** A public key of a TUF document, compared as a key and not by its id or its text. */
export type KeyReading =
  /** `spki`: its canonical SubjectPublicKeyInfo in hex, equal for equal keys. */
  | { readonly kind: 'key'; readonly spki: string }
  /** The TUF library verifies nothing with it. */
  | { readonly kind: 'unusable' }
  /** The TUF library would verify with it, but the same key has a second encoding. */
  | { readonly kind: 'ambiguous'; readonly why: string };

/** Before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo. */
const ED25519_PREFIX = '302a300506032b6570032100';

/**
 * Reads a key as the TUF library does. A threshold counts people, and one key in two encodings must
 * not count twice (attack 31). Each key therefore has exactly one encoding: a compressed P-256
 * point is refused, and so is a kind of key without a canonical form.
 */
export function readKey(key: unknown): KeyReading {
  if (!isJsonObject(key) || !isJsonObject(key['keyval'])) return { kind: 'unusable' };
  const { keytype: keyType, scheme } = key;
  const { public: keyVal } = key['keyval'];
  if (typeof keyVal !== 'string' || typeof keyType !== 'string' || typeof scheme !== 'string') {
    return { kind: 'unusable' };
  }
  // The common form needs no parsing, which saves time in every idle poll.
  if (keyType === 'ed25519' && /^[0-9a-f]{64}$/i.test(keyVal)) {
    return { kind: 'key', spki: `${ED25519_PREFIX}${keyVal.toLowerCase()}` };
  }
  let object: unknown;
  try {
    object = getPublicKey({ keyType, scheme, keyVal }).key;
  } catch {
    return { kind: 'unusable' };
  }
  return object instanceof KeyObject ? canonical(object) : { kind: 'unusable' };
}

/** The canonical SubjectPublicKeyInfo in hex; undefined for every key that is refused. */
export function publicKeyIdentity(key: unknown): string | undefined {
  const reading = readKey(key);
  return reading.kind === 'key' ? reading.spki : undefined;
}

function canonical(object: KeyObject): KeyReading {
  try {
    const given = object.export({ type: 'spki', format: 'der' });
    // A JWK has coordinates, so it has one encoding.
    const jwk = object.export({ format: 'jwk' });
    const spki = createPublicKey({ key: jwk, format: 'jwk' }).export({
      type: 'spki',
      format: 'der',
    });
    if (given.equals(spki)) return { kind: 'key', spki: spki.toString('hex') };
    return { kind: 'ambiguous', why: 'a point that is not in the uncompressed form' };
  } catch {
    return { kind: 'ambiguous', why: `a key of type ${object.asymmetricKeyType ?? 'unknown'}` };
  }
}
