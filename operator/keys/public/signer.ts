import { createHash } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import { z } from 'zod';

/** A public key in the form of TUF documents (TUF 4.2). */
export const TufKey = z.strictObject({
  keytype: z.string().max(64),
  scheme: z.string().max(64),
  keyval: z.strictObject({ public: z.string().max(1024) }),
});
export type TufKey = Readonly<z.infer<typeof TufKey>>;

/** A key that can sign: in a file, in ssh-agent, in KMS, or behind a program. */
export interface Signer {
  /** sha256 of the canonical public key, in hex. */
  readonly keyId: string;
  readonly publicKey: TufKey;
  /**
   * What the first signature needs. Left out: nothing, as far as mm knows. `impossible`: it throws
   * KEY_LOCKED.
   */
  readonly unlocking?: 'none' | 'passphrase' | 'impossible' | undefined;
  /** Does now what the first signature would need. Throws KEY_LOCKED, KEY_INVALID. */
  unlock?(): Promise<unknown>;
  /** Returns the raw signature of the bytes. Throws KEY_LOCKED, KEY_MISSING or KEY_INVALID. */
  sign(bytes: Uint8Array): Promise<Buffer>;
}

/** TUF's key id: the same key always has the same id. */
export function keyIdOf(key: unknown): string {
  return createHash('sha256').update(canonicalize(key)).digest('hex');
}
