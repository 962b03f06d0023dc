import { CodedError } from '../../../shared/coded-error.ts';
import { isSignedBy } from '../public/public-key.ts';
import type { Signer } from '../public/signer.ts';
import { signByCommand } from './command-signer.ts';
import type { HeldKeyFile, HolderAccess } from './held-key-file.ts';
import { signByKms } from './kms-signer.ts';
import { signByAgent } from './ssh-agent-signer.ts';

/**
 * A signer whose key is held elsewhere. It returns only signatures that the public key in the file
 * verifies. Throws KEY_INVALID when the holder uses another key or returns a wrong signature.
 */
export function heldSigner(file: HeldKeyFile, access: HolderAccess): Signer {
  const { keyid, public: publicKey } = file.document;
  return {
    keyId: keyid,
    publicKey,
    async sign(bytes) {
      const signature = await signElsewhere(file, bytes, access);
      if (isSignedBy(publicKey, bytes, signature)) return signature;
      const { kind } = file.document.private;
      throw new CodedError(
        `signing key ${file.path}: the signature from ${kind} does not match the public key in the file`,
        {
          code: 'KEY_INVALID',
          next: 'find out why the holder has another key; make a separate file for a new key: mm key new',
          details: { keyid, kind },
        },
      );
    },
  };
}

function signElsewhere(
  { path, name, document }: HeldKeyFile,
  bytes: Uint8Array,
  access: HolderAccess,
): Promise<Buffer> {
  const { private: holder, public: publicKey } = document;
  switch (holder.kind) {
    case 'ssh-agent':
      return signByAgent({ name, publicKey, comment: holder.comment }, bytes, access);
    case 'kms':
      return signByKms(holder.key, bytes, access);
    case 'command':
      return signByCommand({ path, command: holder.command }, bytes, access);
  }
}
