import { CERTNAME } from '../../bucket/documents/name-rules.ts';
import { CodedError } from '../../shared/coded-error.ts';

/** The certname that a host determined for itself, and the machine on which it did. */
export interface KeptName {
  readonly certname: string;
  /** Digests of the ids of the machine, separated by dots. Null when it has no ids. */
  readonly machine: string | null;
}

/**
 * Whether the state was made on another machine and copied with an image. Its certname, status and
 * schedule then belong to that machine. An id that only one of the two has is ignored, because a
 * package may create `/etc/machine-id` later.
 */
export function isClone(kept: KeptName | undefined, machine: string | null): boolean {
  const now = machine?.split('.') ?? [];
  const before = kept?.machine?.split('.') ?? [];
  return before.some((id, index) => id !== '' && (now[index] || id) !== id);
}

/** Returns the ids of the machine. A missing id keeps its earlier value. */
export function knownIds(kept: KeptName | undefined, machine: string | null): string | null {
  const before = kept?.machine?.split('.') ?? [];
  if (machine === null) return kept?.machine ?? null;
  return machine
    .split('.')
    .map((id, index) => id || (before[index] ?? ''))
    .join('.');
}

export interface NameSources {
  readonly configured: string | undefined;
  readonly kept: KeptName | undefined;
  /** Looks the name up as Puppet does, which takes a second. */
  readonly find: () => Promise<string>;
  /** Asks the resolver for the full host name, or returns the host name alone. */
  readonly qualify: () => Promise<string>;
}

/**
 * Returns the certname: that of `agent.yaml`, or the one that was determined earlier, or a new one.
 * The earlier one stays because a later look-up may fail (no DNS) and would give the host another
 * name and another catalog. A kept name without a domain gets one when the resolver knows it.
 * Throws CONFIG_INVALID for a name that cannot identify one host.
 */
export async function chooseCertname(sources: NameSources): Promise<string> {
  const certname = sources.configured ?? (await keptName(sources)) ?? (await sources.find());
  if (isUsableName(certname)) return certname;
  const why = isLocalhost(certname) ? 'every host has that name' : 'it is not a valid certname';
  throw new CodedError(`cannot use ${certname} as the certname of this host: ${why}`, {
    code: 'CONFIG_INVALID',
    next: 'set certname in agent.yaml, or name the host: hostnamectl set-hostname web1.example.com',
  });
}

async function keptName({ kept, qualify }: NameSources): Promise<string | undefined> {
  if (kept === undefined || !isUsableName(kept.certname)) return undefined;
  if (kept.certname.includes('.')) return kept.certname;
  const full = await qualify();
  return full.startsWith(`${kept.certname}.`) ? full : kept.certname;
}

function isUsableName(certname: string): boolean {
  return CERTNAME.test(certname) && !isLocalhost(certname);
}

/** `localhost`, `localhost.localdomain`, and the names of `/etc/hosts` for IPv4 and IPv6. */
function isLocalhost(certname: string): boolean {
  return /^(?:ip6-)?localhost[46]?(?:\.|$)/.test(certname);
}
