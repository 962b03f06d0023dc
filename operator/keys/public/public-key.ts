import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { publicKeyIdentity } from '../../../trust/workflow/key-identity.ts';
import type { TufKey } from './signer.ts';

/**
 * The only form in which mm writes a public key: Ed25519 in hex, ECDSA P-256 in PEM (TUF 4.2). The
 * same key therefore has the same key id everywhere. Undefined for other kinds of key.
 */
export function tufKeyOf(key: KeyObject): TufKey | undefined {
  const spki = key.export({ type: 'spki', format: 'der' });
  if (key.asymmetricKeyType === 'ed25519') {
    const keyval = { public: spki.subarray(-32).toString('hex') };
    return { keytype: 'ed25519', scheme: 'ed25519', keyval };
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return undefined;
  // A JWK has coordinates: without it a compressed point stays so, and hosts refuse that (row 22).
  const plain = createPublicKey({ key: key.export({ format: 'jwk' }), format: 'jwk' });
  const keyval = { public: plain.export({ type: 'spki', format: 'pem' }).toString() };
  return { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval };
}

/** Undefined when the text is not a public key. */
export function keyObjectOf(key: TufKey): KeyObject | undefined {
  const spki = publicKeyIdentity(key);
  if (spki === undefined) return undefined;
  return createPublicKey({ key: Buffer.from(spki, 'hex'), format: 'der', type: 'spki' });
}

/** Whether hosts will accept the signature: raw for Ed25519, ASN.1 DER for ECDSA. */
export function isSignedBy(key: TufKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  const publicKey = keyObjectOf(key);
  if (publicKey === undefined) return false;
  const digest = publicKey.asymmetricKeyType === 'ed25519' ? null : 'sha256';
  return verify(digest, bytes, publicKey, signature);
}
