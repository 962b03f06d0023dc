import { createPublicKey } from 'node:crypto';
import { isJsonObject } from '../../shared/json.ts';

/** What stands before the raw key in a SubjectPublicKeyInfo, for the two kinds that TUF also writes as bare hex. */
const SPKI_PREFIX: Readonly<Record<string, string>> = {
  ed25519: '302a300506032b6570032100',
  ecdsa: '3059301306072a8648ce3d020106082a8648ce3d030107034200',
  'ecdsa-sha2-nistp256': '3059301306072a8648ce3d020106082a8648ce3d030107034200',
};

/**
 * The key itself, however a TUF document writes it (PEM or hex): equal for equal keys. Undefined for what is no public
 * key; such a one verifies nothing.
 */
export function publicKeyIdentity(key: unknown): string | undefined {
  if (!isJsonObject(key) || !isJsonObject(key['keyval'])) return undefined;
  const { public: text } = key['keyval'];
  const { keytype } = key;
  if (typeof text !== 'string' || typeof keytype !== 'string') return undefined;
  // The common form needs no parsing: every idle poll comes through here.
  if (keytype === 'ed25519' && /^[0-9a-f]{64}$/i.test(text)) {
    return `${SPKI_PREFIX[keytype] ?? ''}${text.toLowerCase()}`;
  }
  try {
    const spki = publicKeyObject(text, keytype);
    return spki.export({ type: 'spki', format: 'der' }).toString('hex');
  } catch {
    return undefined;
  }
}

function publicKeyObject(text: string, keytype: string): ReturnType<typeof createPublicKey> {
  if (text.startsWith('-----BEGIN')) return createPublicKey(text);
  const der = Buffer.from(`${SPKI_PREFIX[keytype] ?? ''}${text}`, 'hex');
  return createPublicKey({ key: der, format: 'der', type: 'spki' });
}
