import { generateKeyPairSync, sign } from 'node:crypto';
import { keyIdOf, type Signer, type TufKey } from '../../../operator/keys/public/signer.ts';

/** A signer with a new key in memory. */
export function newSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32);
  const key: TufKey = {
    keytype: 'ed25519',
    scheme: 'ed25519',
    keyval: { public: raw.toString('hex') },
  };
  return {
    keyId: keyIdOf(key),
    publicKey: key,
    sign: (bytes) => Promise.resolve(sign(null, bytes, privateKey)),
  };
}
