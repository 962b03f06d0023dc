import {
  createCipheriv,
  createDecipheriv,
  randomBytes,
  type ScryptOptions,
  scrypt,
} from 'node:crypto';
import { z } from 'zod';
import { CodedError } from '../../../shared/coded-error.ts';

const Base64 = z.base64().max(4096);

/**
 * The private half of a key file: PKCS#8, unencrypted or encrypted with a passphrase. The
 * parameters have limits, because a file is untrusted input.
 */
export const PrivatePart = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('plain'), pkcs8: Base64 }),
  z.strictObject({
    kind: z.literal('scrypt-aes-256-gcm'),
    n: z
      .int()
      .min(2 ** 14)
      .max(2 ** 20)
      .refine((n) => Number.isInteger(Math.log2(n)), 'expected a power of two'),
    r: z.int().min(1).max(16),
    p: z.int().min(1).max(4),
    salt: Base64,
    nonce: Base64,
    tag: Base64,
    ciphertext: Base64,
  }),
]);
export type PrivatePart = z.infer<typeof PrivatePart>;
export type EncryptedPart = Extract<PrivatePart, { kind: 'scrypt-aes-256-gcm' }>;

/** Costs an attacker 128 MiB and about half a second for each guess. */
const COST = { n: 2 ** 17, r: 8, p: 1 };

/** Encrypts a private key (PKCS #8) by a passphrase. */
export async function encryptPrivateKey(
  pkcs8: Uint8Array,
  passphrase: string,
  keyId: string,
): Promise<EncryptedPart> {
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', await deriveKey(passphrase, salt, COST), nonce);
  cipher.setAAD(Buffer.from(keyId, 'hex'));
  const ciphertext = Buffer.concat([cipher.update(pkcs8), cipher.final()]);
  return {
    kind: 'scrypt-aes-256-gcm',
    ...COST,
    salt: salt.toString('base64'),
    nonce: nonce.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    ciphertext: ciphertext.toString('base64'),
  };
}

/**
 * Returns the PKCS#8 bytes. Throws KEY_LOCKED for a wrong passphrase or a changed file: GCM cannot
 * tell the two apart.
 */
export async function decryptPrivateKey(
  part: EncryptedPart,
  passphrase: string,
  key: { readonly keyId: string; readonly path: string },
): Promise<Buffer> {
  const derived = await deriveKey(passphrase, Buffer.from(part.salt, 'base64'), part);
  try {
    const nonce = Buffer.from(part.nonce, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', derived, nonce, { authTagLength: 16 });
    decipher.setAAD(Buffer.from(key.keyId, 'hex'));
    decipher.setAuthTag(Buffer.from(part.tag, 'base64'));
    return Buffer.concat([
      decipher.update(Buffer.from(part.ciphertext, 'base64')),
      decipher.final(),
    ]);
  } catch (cause) {
    throw new CodedError(`wrong passphrase for signing key ${key.path}, or the file was changed`, {
      code: 'KEY_LOCKED',
      cause,
      next: 'try again with the right passphrase',
    });
  }
}

function deriveKey(
  passphrase: string,
  salt: Buffer,
  { n, r, p }: { readonly n: number; readonly r: number; readonly p: number },
): Promise<Buffer> {
  const options: ScryptOptions = { N: n, r, p, maxmem: 256 * n * r };
  return new Promise((resolve, reject) => {
    // Keyboards compose characters in different ways. After normalization the same text is the same
    // passphrase.
    scrypt(passphrase.normalize('NFC'), salt, 32, options, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
