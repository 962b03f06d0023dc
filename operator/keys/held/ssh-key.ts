import { createHash } from 'node:crypto';
import { keyObjectOf, tufKeyOf } from '../public-key.ts';
import type { TufKey } from '../signer.ts';
import { firstSshString, splitSshStrings, sshString } from './ssh-string.ts';

const ED25519 = 'ssh-ed25519'; // RFC 8709
const P256 = 'ecdsa-sha2-nistp256'; // RFC 5656

/** `ssh-ed25519`; what others wrote, cut to what a name can be. */
export function sshKeyType(blob: Buffer): string {
  return firstSshString(blob)?.toString('latin1').slice(0, 64) ?? '';
}

/**
 * The key as TUF documents hold it; undefined for kinds that cannot sign for TUF, see
 * {@link whyUnusable}.
 */
export function sshToTufKey(blob: Buffer): TufKey | undefined {
  const [type, first, second, ...more] = (splitSshStrings(blob) ?? []).map((part) =>
    part.toString('hex'),
  );
  if (type === hex(ED25519) && first?.length === 64 && second === undefined) {
    return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: first } };
  }
  // Only the uncompressed form: RFC 5656 lets nobody be sent the other one without asking for it.
  const isPoint = second?.length === 130 && second.startsWith('04');
  if (type !== hex(P256) || first !== hex('nistp256') || !isPoint || more.length > 0) {
    return undefined;
  }
  const point: TufKey = { keytype: 'ecdsa', scheme: P256, keyval: { public: second } };
  const key = keyObjectOf(point);
  return key === undefined ? undefined : tufKeyOf(key);
}

/** The same key for an agent. Expects what {@link tufKeyOf} gives. */
export function tufToSshKey(key: TufKey): Buffer {
  const spki = keyObjectOf(key)?.export({ type: 'spki', format: 'der' }) ?? Buffer.alloc(0);
  return key.keytype === 'ed25519'
    ? Buffer.concat([sshString(ED25519), sshString(spki.subarray(-32))])
    : Buffer.concat([sshString(P256), sshString('nistp256'), sshString(spki.subarray(-65))]);
}

/**
 * The signature as TUF has it: raw for Ed25519, ASN.1 DER for ECDSA. Undefined for what is neither.
 */
export function sshToTufSignature(blob: Buffer): Buffer | undefined {
  const [type, signature, ...more] = splitSshStrings(blob) ?? [];
  if (signature === undefined || more.length > 0) return undefined;
  if (type?.toString('latin1') === ED25519) return signature;
  if (type?.toString('latin1') !== P256) return undefined;
  const numbers = splitSshStrings(signature) ?? [];
  // SSH and DER write the same integers: big-endian, two's complement, no byte too many. 33 bytes
  // at most for P-256.
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
    return 'FIDO keys sign a message of their own around the one that they are given';
  }
  if (type === 'ssh-rsa') return 'ssh-agent signs by RSA in PKCS#1 v1.5, TUF clients want RSA-PSS';
  if (type.includes('-cert-')) return 'it is a certificate; the key itself is wanted';
  return `wanted ${ED25519} or ${P256}`;
}

function hex(text: string): string {
  return Buffer.from(text).toString('hex');
}
