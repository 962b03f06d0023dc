import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { CodedError } from '../../shared/coded-error.ts';
import type { KeyFile } from './key-file.ts';
import { decryptPrivateKey } from './private-part.ts';
import type { Signer } from './signer.ts';

/** Gives the passphrase of a key, named for the question. Throws KEY_LOCKED when nobody can be asked. */
export type PassphraseSource = (keyName: string) => Promise<string>;

/** A signer whose key lies in a file. The file is unlocked at the first signature, once. */
export function fileSigner(file: KeyFile, passphrase: PassphraseSource): Signer {
  let unlocked: Promise<KeyObject> | undefined;
  return {
    keyId: file.document.keyid,
    publicKey: file.document.public,
    async sign(bytes) {
      unlocked ??= unlock(file, passphrase);
      return sign(null, bytes, await unlocked);
    },
  };
}

async function unlock(file: KeyFile, passphrase: PassphraseSource): Promise<KeyObject> {
  const { keyid, private: part } = file.document;
  const pkcs8 =
    part.kind === 'plain'
      ? Buffer.from(part.pkcs8, 'base64')
      : await decryptPrivateKey(part, await passphrase(file.name), {
          keyId: keyid,
          path: file.path,
        });
  const key = readPkcs8(pkcs8, file.path);
  const raw = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32);
  if (raw.toString('hex') !== file.document.public.keyval.public) {
    throw invalid(file.path, 'its private part does not belong to its public part');
  }
  return key;
}

function readPkcs8(pkcs8: Buffer, path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw invalid(path, 'its private part is no PKCS#8 key', cause);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw invalid(path, `wanted an Ed25519 key, found ${key.asymmetricKeyType}`);
}

function invalid(path: string, what: string, cause?: unknown): CodedError {
  return new CodedError(`signing key ${path}: ${what}`, {
    code: 'KEY_INVALID',
    cause,
    next: 'put the file back from your copy of it',
  });
}
