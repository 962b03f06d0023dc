import { createHash } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import { z } from 'zod';

/** A public key as TUF documents hold it. */
export const TufKey = z.strictObject({
  keytype: z.string().max(64),
  scheme: z.string().max(64),
  keyval: z.strictObject({ public: z.string().max(1024) }),
});
export type TufKey = Readonly<z.infer<typeof TufKey>>;

/** Something that signs: a key in a file, in ssh-agent, in KMS, or behind an external command. */
export interface Signer {
  /** sha256 of the canonical public key, in hex. */
  readonly keyId: string;
  readonly publicKey: TufKey;
  /** The raw signature over the bytes. Throws KEY_LOCKED, KEY_MISSING or KEY_INVALID. */
  sign(bytes: Uint8Array): Promise<Buffer>;
}

/** TUF's key id: whoever lists the same key twice gets the same id twice. */
export function keyIdOf(key: unknown): string {
  return createHash('sha256').update(canonicalize(key)).digest('hex');
}
