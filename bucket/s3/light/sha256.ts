import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** What the signer gives: the secret access key, or a key that it derived. */
type Secret = string | ArrayBuffer | ArrayBufferView;

interface Hashing {
  update(data: Uint8Array): unknown;
  digest(): Buffer;
}

/**
 * SHA-256 and its HMAC, as the SDK's signer calls them. The SDK's own class hands Node the key as
 * bytes. Node checks and copies them for each signature, which is a tenth of the CPU of
 * `mm fleet sync` (ADR 0022). A key is prepared once here: the signer gives the same object again.
 */
export class Sha256 {
  readonly #secret: Secret | undefined;
  #hash: Hashing;

  constructor(secret?: Secret) {
    this.#secret = secret;
    this.#hash = begun(secret);
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = begun(this.#secret);
  }
}

function begun(secret: Secret | undefined): Hashing {
  return secret === undefined ? createHash('sha256') : createHmac('sha256', preparedKey(secret));
}

/** The last key of each kind: a secret access key is text, and a signing key bytes. */
let ofText: { readonly secret: string; readonly key: KeyObject } | undefined;
const ofBytes = new WeakMap<object, KeyObject>();

function preparedKey(secret: Secret): KeyObject {
  if (typeof secret === 'string') {
    if (ofText?.secret !== secret) ofText = { secret, key: createSecretKey(secret, 'utf8') };
    return ofText.key;
  }
  const known = ofBytes.get(secret);
  if (known !== undefined) return known;
  const bytes = ArrayBuffer.isView(secret)
    ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
    : Buffer.from(secret);
  const key = createSecretKey(bytes);
  ofBytes.set(secret, key);
  return key;
}
