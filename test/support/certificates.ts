import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Authority extends AsyncDisposable {
  /** Its certificate in PEM. */
  readonly file: string;
  readonly pem: string;
  /** A certificate of this authority for these names and addresses, valid for `days`. */
  issue(names: readonly string[], days?: number): Promise<{ key: string; cert: string }>;
}

/** A certificate authority that no system trusts, made by openssl. */
export async function makeAuthority(name: string): Promise<Authority> {
  const directory = await mkdtemp(join(tmpdir(), 'miyamoto-test-ca-'));
  const at = (file: string) => join(directory, file);
  const openssl = (...args: string[]) => run('openssl', args, { cwd: directory });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl(
    ...['req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '30'],
    ...['-subj', `/O=Example/CN=${name}`],
    // Python 3.13 and newer refuse an authority that does not say so.
    ...['-addext', 'keyUsage=critical,keyCertSign,cRLSign'],
  );
  return {
    file: at('ca.pem'),
    pem: await readFile(at('ca.pem'), 'utf8'),
    async issue(names, days = 30) {
      const alternatives = names.map((each) =>
        /^[\d.]+$/.test(each) ? `IP:${each}` : `DNS:${each}`,
      );
      const extensions = [
        `subjectAltName=${alternatives.join(',')}`,
        'subjectKeyIdentifier=hash',
        'authorityKeyIdentifier=keyid',
      ];
      await writeFile(at('extensions'), `${extensions.join('\n')}\n`);
      await openssl(
        ...['req', ...ec, '-keyout', 'server.key', '-out', 'server.csr'],
        ...['-subj', `/CN=${names[0]}`],
      );
      await openssl(
        ...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key'],
        ...['-CAcreateserial', '-days', String(days), '-extfile', 'extensions'],
        ...['-out', 'server.pem'],
      );
      return {
        key: await readFile(at('server.key'), 'utf8'),
        cert: await readFile(at('server.pem'), 'utf8'),
      };
    },
    async [Symbol.asyncDispose]() {
      await rm(directory, { recursive: true });
    },
  };
}
