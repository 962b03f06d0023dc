import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { CodedError } from '../../../shared/coded-error.ts';
import type { Signer } from '../public/signer.ts';
import type { KeyFile } from './key-file.ts';
import type { PassphraseSource } from './passphrase.ts';
import { decryptPrivateKey } from './private-part.ts';

/** The number of times that a person may type the passphrase. */
const MAX_TRIES = 3;

/** A signer whose key is in a file. The first signature unlocks the file, once. */
export function fileSigner(file: KeyFile, passphrase: PassphraseSource): Signer {
  let unlocked: Promise<KeyObject> | undefined;
  const unlockOnce = () => {
    unlocked ??= unlock(file, passphrase);
    return unlocked;
  };
  const isPlain = file.document.private.kind === 'plain';
  return {
    keyId: file.document.keyid,
    publicKey: file.document.public,
    unlocking: isPlain ? 'none' : passphrase.kind === 'none' ? 'impossible' : 'passphrase',
    unlock: unlockOnce,
    async sign(bytes) {
      return sign(null, bytes, await unlockOnce());
    },
  };
}

async function unlock(file: KeyFile, passphrase: PassphraseSource): Promise<KeyObject> {
  const key = readPkcs8(await readPrivatePart(file, passphrase), file.path);
  const raw = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32);
  if (raw.toString('hex') !== file.document.public.keyval.public) {
    throw invalid(file.path, 'its private part does not belong to its public part');
  }
  return key;
}

async function readPrivatePart(file: KeyFile, passphrase: PassphraseSource): Promise<Buffer> {
  const { keyid: keyId, private: part } = file.document;
  if (part.kind === 'plain') return Buffer.from(part.pkcs8, 'base64');
  const tries = passphrase.kind === 'typed' ? MAX_TRIES : 1;
  for (let done = 1; ; done++) {
    const text = await passphrase(file.name, done > 1);
    try {
      return await decryptPrivateKey(part, text, { keyId, path: file.path });
    } catch (error) {
      if (done === tries) throw error;
    }
  }
}

function readPkcs8(pkcs8: Buffer, path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  } catch (cause) {
    throw invalid(path, 'its private part is not a PKCS#8 key', cause);
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw invalid(path, `wanted an Ed25519 key, found ${key.asymmetricKeyType}`);
}

function invalid(path: string, what: string, cause?: unknown): CodedError {
  return new CodedError(`signing key ${path}: ${what}`, {
    code: 'KEY_INVALID',
    cause,
    next: 'restore the file from your copy',
  });
}
