import { CodedError } from '../../../shared/coded-error.ts';
import { orUndefined, readNamed } from '../../../shared/files.ts';
import { shellWord } from '../../../shared/shell-word.ts';

/*
 * The certificate authorities that this process trusts. The setting is one of Node for the whole
 * process. It therefore covers every connection to AWS: both S3 clients, the services that issue
 * credentials, and a proxy with TLS.
 */

/** Where systems keep the authorities that they trust. The list is that of Go's crypto/x509. */
const SYSTEM_FILES = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Ubuntu, Arch
  '/etc/pki/tls/certs/ca-bundle.crt', // Fedora, RHEL 6
  '/etc/ssl/ca-bundle.pem', // SUSE
  '/etc/pki/tls/cacert.pem',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', // RHEL 7 and later
  '/etc/ssl/cert.pem', // Alpine
];

/** A file of all public authorities has 250 kB. */
const MAX_BYTES = 16 * 1024 ** 2;

/** Error codes for a certificate that leads to no trusted authority. */
const UNKNOWN_AUTHORITY: ReadonlySet<unknown> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/**
 * The present setting. Undefined until an error or a file changes it: then Node trusts only the
 * authorities that come with it.
 */
let trusted: { readonly file?: CaFile; readonly pem: string } | undefined;

/** A file with certificates in PEM, and the key or variable that names it. */
export interface CaFile {
  readonly path: string;
  readonly setBy: string;
}

/**
 * Trusts only the authorities of this file, or those that come with Node when it is undefined.
 * Throws CONFIG_INVALID.
 */
export function trustFile(file: CaFile | undefined): void {
  if (file !== undefined) {
    trustOnly(file);
  } else if (trusted?.file !== undefined) {
    setTrusted(ofNode());
    trusted = undefined;
  }
}

/**
 * Trusts more authorities after an error, if there are more. Returns true when the request may be
 * repeated. The authorities of the system are read only when Node does not know the server, because
 * reading them costs 60 ms and 3 MB of memory, and Node knows most servers. When a file is set,
 * that file is read again instead. Throws CONFIG_INVALID.
 */
export function trustMoreAfter(error: unknown): boolean {
  if (!isUnknownAuthority(error)) return false;
  if (trusted?.file !== undefined) return trustOnly(trusted.file);
  const system = systemCertificates();
  const pem = system.join('\n');
  if (trusted?.pem === pem) return false;
  if (pem !== '') setTrusted([...ofNode(), ...system]);
  trusted = { pem };
  return true;
}

/** False when nothing changed. */
function trustOnly(file: CaFile): boolean {
  const pem = readCertificates(file);
  if (trusted?.file?.path === file.path && trusted.pem === pem) return false;
  try {
    setTrusted([pem]);
  } catch (cause) {
    throw unusable(file, 'a certificate in it cannot be read', cause);
  }
  trusted = { file, pem };
  return true;
}

/** True when no more authorities can be trusted, so that an error is final. */
export function isTrustComplete(): boolean {
  return trusted !== undefined;
}

/** Whether the error, or one that caused it, says that an authority is not trusted. */
export function isUnknownAuthority(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && UNKNOWN_AUTHORITY.has(at.code)) return true;
  }
  return false;
}

/** Read each time: a run of Puppet may have added an authority. */
function systemCertificates(): readonly string[] {
  if (process.platform === 'darwin') return certificatesOf('system');
  // biome-ignore lint/style/noProcessEnv: OpenSSL and curl read the same variable
  const files = [process.env['SSL_CERT_FILE'], ...SYSTEM_FILES];
  for (const file of files) {
    const pem = file && orUndefined(() => readNamed(file, MAX_BYTES).toString());
    if (pem) return [pem];
  }
  return [];
}

function ofNode(): readonly string[] {
  return [...certificatesOf('bundled'), ...certificatesOf('extra')];
}

function certificatesOf(kind: 'bundled' | 'extra' | 'system'): readonly string[] {
  return process.getBuiltinModule('node:tls').getCACertificates(kind);
}

function setTrusted(certificates: readonly string[]): void {
  process.getBuiltinModule('node:tls').setDefaultCACertificates(certificates);
}

function readCertificates(file: CaFile): string {
  let pem: string;
  try {
    pem = readNamed(file.path, MAX_BYTES).toString();
  } catch (cause) {
    throw unusable(file, 'it cannot be read', cause);
  }
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw unusable(file, 'it has no certificate in PEM');
}

function unusable({ path, setBy }: CaFile, found: string, cause?: unknown): CodedError {
  return new CodedError(
    `${setBy}: expected a file with certificates of authorities, ${path}: ${found}`,
    {
      code: 'CONFIG_INVALID',
      cause,
      next: `correct ${setBy}, or look at the file: openssl x509 -in ${shellWord(path)} -noout -subject`,
    },
  );
}
