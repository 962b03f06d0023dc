import { createPrivateKey } from 'node:crypto';

/** A private key in a file. */
export interface FoundKey {
  readonly kind: string;
  /** Null for a binary file. */
  readonly line: number | null;
}

/**
 * Finds private keys and AWS secret keys in the content of a file: a release is readable by every
 * host, so a key in it is no longer secret. Text that only looks like a key is not reported: "BEGIN
 * PRIVATE KEY" in code, or a template that inserts a key.
 */
export function findPrivateKey(bytes: Buffer): FoundKey | undefined {
  return findInText(bytes) ?? findBinaryKey(bytes);
}

interface Format {
  readonly kind: string;
  /** A text that every such file contains: a quick test before the expression. */
  readonly hint: string;
  readonly pattern: RegExp;
  readonly isReal?: (match: RegExpExecArray) => boolean;
}

const LABEL = '(?:(?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?)';
/** Headers such as `Proc-Type: 4,ENCRYPTED`, blank lines, indentation. */
const BEFORE_BODY = '(?:[A-Za-z][A-Za-z0-9-]*: [^\\n]*|\\s)*';

const FORMATS: readonly Format[] = [
  {
    kind: 'Miyamoto signing key',
    hint: 'miyamoto-key',
    pattern: /"format"\s*:\s*"miyamoto-key"(?=[\s\S]*"private"\s*:)/g,
  },
  {
    kind: 'private key (PEM)',
    hint: 'PRIVATE KEY',
    // The marker is alone on its line, and the next line is data.
    pattern: new RegExp(
      `^[^\\S\\n]*(?:["'>|#-]+[^\\S\\n]*)?-{4,5} ?BEGIN ${LABEL} ?-{4,5}[^\\S\\n]*\\r?\\n${BEFORE_BODY}["'#]*[A-Za-z0-9+/=]{3}`,
      'gm',
    ),
  },
  {
    kind: 'private key (PEM)',
    hint: 'PRIVATE KEY',
    // In one line: with "\n" as two characters (JSON, Ruby, YAML), or a line of base64 behind it.
    pattern: new RegExp(
      `-----BEGIN ${LABEL}-----(?:\\\\r|\\\\n|["'+.,\\s])*${BEFORE_BODY}(?:\\\\n|["'+.,\\s])*[A-Za-z0-9+/=]{16}`,
      'g',
    ),
  },
  {
    kind: 'private key (PEM in base64)',
    hint: 'LS0tLS1CRUdJTi',
    pattern: /LS0tLS1CRUdJTi[A-Za-z0-9+/]{20,}/g,
    isReal: ([text]) =>
      new RegExp(`-----BEGIN ${LABEL}`).test(
        Buffer.from(text.slice(0, 200), 'base64').toString('latin1'),
      ),
  },
  {
    kind: 'private key (SSH2)',
    hint: 'SSH2',
    pattern: /^---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----/gm,
  },
  {
    kind: 'private key (PuTTY)',
    hint: 'PuTTY-User-Key-File',
    pattern: /^PuTTY-User-Key-File-\d+:/gm,
  },
  {
    kind: 'private key (JWK)',
    hint: '"kty"',
    pattern: /"kty"(?=[^{}]*"d"\s*:\s*"[\w-]{16,}")|"d"\s*:\s*"[\w-]{16,}"(?=[^{}]*"kty")/g,
  },
  {
    kind: 'private key (GnuPG)',
    hint: 'private-key',
    pattern:
      /^(?:\((?:11:private-key|21:protected-private-key)|Key: \((?:protected-)?private-key)/gm,
  },
  {
    kind: 'private key (age)',
    hint: 'AGE-SECRET-KEY-1',
    pattern: /AGE-SECRET-KEY-1[0-9A-Z]{20,}/g,
  },
  {
    kind: 'private key (minisign)',
    hint: 'secret key',
    pattern:
      /^untrusted comment: (?:minisign|signify|rsign)[^\n]*secret key[^\n]*\r?\n[A-Za-z0-9+/]{40}/gm,
  },
  {
    kind: 'private key (WireGuard)',
    hint: 'PrivateKey',
    pattern: /^\s*PrivateKey\s*=\s*[A-Za-z0-9+/]{43}=\s*$/gm,
  },
  {
    kind: 'AWS secret key',
    hint: 'ecret',
    pattern:
      /(?:aws_?)?secret_?(?:access_?)?key(?:_id)?["']?\s*(?:=>|=|:)\s*["']?([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/gi,
    isReal: ([, secret = '']) => isRandom(secret),
  },
  {
    kind: 'AWS secret key',
    hint: 'AKIA',
    // A credentials report: the id, and the secret in the same or the next line.
    pattern: /\bAKIA[0-9A-Z]{16}\b[^A-Za-z0-9/+]{1,40}([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])/g,
    isReal: ([, secret = '']) => isRandom(secret),
  },
];

/** Not a hash in hex, not a word, and not the example of the AWS documentation. */
function isRandom(secret: string): boolean {
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9/+]/].filter((kind) => kind.test(secret)).length;
  return kinds === 3 && !secret.includes('EXAMPLE') && new Set(secret).size > 12;
}

function findInText(bytes: Buffer): FoundKey | undefined {
  const hinted = FORMATS.filter(({ hint }) => bytes.includes(hint));
  if (hinted.length === 0) return undefined;
  const text = bytes.toString('latin1');
  for (const { kind, pattern, isReal } of hinted) {
    for (const match of text.matchAll(pattern)) {
      if (isReal !== undefined && !isReal(match)) continue;
      const start = match.index + (/^\s*/.exec(match[0])?.[0].length ?? 0);
      return { kind, line: text.slice(0, start).split('\n').length };
    }
  }
  return undefined;
}

const MAX_KEY_BYTES = 64 * 1024;
/** In hex: SEQUENCE, INTEGER 3, SEQUENCE, OID of PKCS#7. So starts a PKCS#12 file. */
const PKCS12 = /^30(?:..){1,5}02010330(?:..){1,5}06092a864886f70d0107/;
/** In hex: SEQUENCE, SEQUENCE, OID of PKCS#5 or PKCS#12 encryption. So starts encrypted PKCS#8. */
const ENCRYPTED_PKCS8 = /^30(?:..){1,5}30(?:..){1,3}06(?:092a864886f70d0105|0a2a864886f70d010c01)/;
const JAVA_KEY_STORES = new Set([0xfeedfeed, 0xcececece]);

function findBinaryKey(bytes: Buffer): FoundKey | undefined {
  const [first] = bytes;
  if (bytes.length >= 4 && JAVA_KEY_STORES.has(bytes.readUInt32BE(0)))
    return binary('Java key store');
  if (first === 0x30) return findDerKey(bytes);
  // OpenPGP, binary: the packet of a secret key (tag 5), version 4 or 5 (RFC 9580, 4.2 and 5.5.3).
  const version = first === 0xc5 ? bytes[2] : bytes[3];
  const isOpenPgp = first === 0x95 || first === 0xc5;
  return isOpenPgp && (version === 4 || version === 5)
    ? binary('private key (OpenPGP)')
    : undefined;
}

function findDerKey(bytes: Buffer): FoundKey | undefined {
  const start = bytes.subarray(0, 64).toString('hex');
  if (PKCS12.test(start)) return binary('PKCS#12 file');
  if (ENCRYPTED_PKCS8.test(start)) return binary('private key (PKCS#8)');
  if (bytes.length > MAX_KEY_BYTES) return undefined;
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      createPrivateKey({ key: bytes, format: 'der', type });
      return binary(`private key (${type === 'pkcs8' ? 'PKCS#8' : 'DER'})`);
    } catch {
      // not a key of this form
    }
  }
  return undefined;
}

function binary(kind: string): FoundKey {
  return { kind, line: null };
}
