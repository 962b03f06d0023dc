import { createHash } from 'node:crypto';
import { keyObjectOf, tufKeyOf } from '../public/public-key.ts';
import type { TufKey } from '../public/signer.ts';
import { firstSshString, splitSshStrings, sshString } from './ssh-string.ts';

const ED25519 = 'ssh-ed25519'; // RFC 8709
const P256 = 'ecdsa-sha2-nistp256'; // RFC 5656

/**
 * The type of the key, such as `ssh-ed25519`. The bytes are foreign input, so it is cut to 64
 * characters.
 */
export function sshKeyType(blob: Buffer): string {
  return firstSshString(blob)?.toString('latin1').slice(0, 64) ?? '';
}

/**
 * The key as in TUF documents; undefined for kinds that cannot sign for TUF, see {@link
 * whyUnusable}.
 */
export function sshToTufKey(blob: Buffer): TufKey | undefined {
  const [type, first, second, ...more] = (splitSshStrings(blob) ?? []).map((part) =>
    part.toString('hex'),
  );
  if (type === hex(ED25519) && first?.length === 64 && second === undefined) {
    return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: first } };
  }
  // Only the uncompressed form: RFC 5656 forbids sending the compressed one unless it was
  // negotiated.
  const isPoint = second?.length === 130 && second.startsWith('04');
  if (type !== hex(P256) || first !== hex('nistp256') || !isPoint || more.length > 0) {
    return undefined;
  }
  const point: TufKey = { keytype: 'ecdsa', scheme: P256, keyval: { public: second } };
  const key = keyObjectOf(point);
  return key === undefined ? undefined : tufKeyOf(key);
}

/** The key in SSH's encoding. Expects a result of {@link tufKeyOf}. */
export function tufToSshKey(key: TufKey): Buffer {
  const spki = keyObjectOf(key)?.export({ type: 'spki', format: 'der' }) ?? Buffer.alloc(0);
  return key.keytype === 'ed25519'
    ? Buffer.concat([sshString(ED25519), sshString(spki.subarray(-32))])
    : Buffer.concat([sshString(P256), sshString('nistp256'), sshString(spki.subarray(-65))]);
}

/** The signature in TUF's form: raw for Ed25519, ASN.1 DER for ECDSA. Undefined for other kinds. */
export function sshToTufSignature(blob: Buffer): Buffer | undefined {
  const [type, signature, ...more] = splitSshStrings(blob) ?? [];
  if (signature === undefined || more.length > 0) return undefined;
  if (type?.toString('latin1') === ED25519) return signature;
  if (type?.toString('latin1') !== P256) return undefined;
  const numbers = splitSshStrings(signature) ?? [];
  // SSH and DER encode integers in the same way: big-endian, two's complement, shortest form. For
  // P-256 that is at most 33 bytes.
  if (numbers.length !== 2 || numbers.some(({ length }) => length < 1 || length > 33)) {
    return undefined;
  }
  const integers = numbers.map((bytes) => Buffer.concat([Buffer.from([2, bytes.length]), bytes]));
  const content = Buffer.concat(integers);
  return Buffer.concat([Buffer.from([0x30, content.length]), content]);
}

/** `SHA256:...`, as `ssh-add -l` prints it. */
export function sshFingerprint(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** Why a kind of key cannot sign for TUF. */
export function whyUnusable(type: string): string {
  if (type.startsWith('sk-')) {
    return 'FIDO keys do not sign the document itself: they wrap it in their own message';
  }
  if (type === 'ssh-rsa')
    return 'ssh-agent makes RSA signatures with PKCS#1 v1.5, TUF clients need RSA-PSS';
  if (type.includes('-cert-')) return 'it is a certificate; use the key itself';
  return `wanted ${ED25519} or ${P256}`;
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}
