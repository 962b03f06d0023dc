import { CERTNAME } from '../../bucket/documents/name-rules.ts';
import { CodedError } from '../../shared/coded-error.ts';

/** The name that a host found for itself, and the machine that it was found on. */
export interface KeptName {
  readonly certname: string;
  /** Digest of the machine's ids; null when it has none. */
  readonly machine: string | null;
}

/**
 * Whether the state was made on another machine and came here with an image: then its name, its
 * status and its schedule belong to the other machine. A machine without ids is never taken for a
 * clone.
 */
export function isClone(kept: KeptName | undefined, machine: string | null): boolean {
  return kept !== undefined && kept.machine !== null && kept.machine !== (machine ?? kept.machine);
}

export interface NameSources {
  readonly configured: string | undefined;
  readonly kept: KeptName | undefined;
  /** Looks the name up as Puppet does. It costs a second. */
  readonly find: () => Promise<string>;
  /** Asks the resolver for the full host name, or returns the host name alone. */
  readonly qualify: () => Promise<string>;
}

/**
 * Returns the certname. `agent.yaml` wins; then a name that was found before stays, because a later
 * look-up may fail (no DNS) and would give the host another name and another catalog. A kept name
 * without a domain gets one when the resolver knows it. Throws CONFIG_INVALID for a name that
 * cannot identify one host.
 */
export async function chooseCertname(sources: NameSources): Promise<string> {
  const certname = sources.configured ?? (await keptName(sources)) ?? (await sources.find());
  if (CERTNAME.test(certname) && !isLocalhost(certname)) return certname;
  const why = isLocalhost(certname) ? 'every host has that name' : 'it is not a valid certname';
  throw new CodedError(`cannot use ${certname} as the certname of this host: ${why}`, {
    code: 'CONFIG_INVALID',
    next: 'set certname in agent.yaml, or name the host: hostnamectl set-hostname web1.example.com',
  });
}

async function keptName({ kept, qualify }: NameSources): Promise<string | undefined> {
  if (kept === undefined || kept.certname.includes('.')) return kept?.certname;
  const full = await qualify();
  return full.startsWith(`${kept.certname}.`) ? full : kept.certname;
}

function isLocalhost(certname: string): boolean {
  return certname === 'localhost' || certname.startsWith('localhost.');
}
