import { createHash } from 'node:crypto';
import type { ListedObject } from '../../../bucket/bucket.ts';
import { CERTNAME } from '../../../bucket/documents/name-rules.ts';
import type { StatusDocument } from '../../../bucket/documents/status.ts';
import { hostStatusKey, hostStatusPrefix } from '../../../bucket/layout.ts';
import { CodedError } from '../../../shared/coded-error.ts';
import { counted } from '../../../shared/counted.ts';
import { didYouMean } from '../../../shared/suggestion.ts';
import { readStatus } from '../../hosts/read-statuses.ts';
import type { TreePlace } from '../../repository/stored-files.ts';

/** The hosts whose catalogs are requested. */
export interface HostWish {
  /** `--catalog`. */
  readonly certnames: readonly string[];
  /** `--sample`: this many hosts of the environment, or of the group. */
  readonly sample: number | undefined;
  /** `--group`: hosts that name it in `groups` of their agent.yaml. */
  readonly group: string | undefined;
}

export interface ChosenHosts {
  /** Sorted. */
  readonly certnames: readonly string[];
  /** Certnames whose status could not be read, so that their environment is not known. */
  readonly unreadable: number;
  /** The newest major version of Puppet that a host of the sample or group runs; 0: not known. */
  readonly puppetMajor: number;
}

/** Requests at the same time. */
const PARALLEL = 16;

/**
 * Chooses the hosts. While the fleet is the same, a sample has the same hosts, so that two previews
 * can be compared. Throws USAGE when a name is not a certname, and when there is no such host.
 */
export async function chooseHosts(
  place: TreePlace,
  environment: string,
  wish: HostWish,
): Promise<ChosenHosts> {
  const wrong = wish.certnames.find((name) => !CERTNAME.test(name));
  if (wrong !== undefined) throw usage(`${JSON.stringify(wrong)} is not a certname`);
  const { sample, group, certnames } = wish;
  if (sample === 0) throw usage('--sample: expected at least 1 host');
  if (sample === undefined && group === undefined)
    return { certnames: sorted(certnames), unreadable: 0, puppetMajor: 0 };
  const groups = new Set<string>();
  const isWanted = (status: StatusDocument) => {
    for (const each of status.groups) groups.add(each);
    return (
      status.environment === environment && (group === undefined || status.groups.includes(group))
    );
  };
  const most = sample ?? Number.POSITIVE_INFINITY;
  const { found, ...rest } = await search(place, isWanted, most);
  if (found.length > 0) return { certnames: sorted([...certnames, ...found]), ...rest };
  const which = group === undefined ? '' : ` of group ${JSON.stringify(group)}`;
  const hint = group === undefined ? '' : didYouMean(group, [...groups]);
  const more =
    rest.unreadable === 0
      ? ''
      : `; ${counted(rest.unreadable, 'status', 'statuses')} cannot be read`;
  throw usage(`no host${which} in environment ${environment} has reported${more}${hint}`);
}

async function search(
  place: TreePlace,
  isWanted: (status: StatusDocument) => boolean,
  most: number,
): Promise<Omit<ChosenHosts, 'certnames'> & { readonly found: string[] }> {
  const all = await listHosts(place);
  const found: string[] = [];
  let unreadable = 0;
  let puppetMajor = 0;
  for (let at = 0; at < all.length && found.length < most; at += PARALLEL) {
    const listed = all.slice(at, at + PARALLEL);
    const statuses = await Promise.all(listed.map((each) => readStatus(place, each)));
    for (const { certname, status } of statuses.filter((each) => each !== undefined)) {
      if (status === undefined) unreadable += 1;
      else if (isWanted(status) && found.length < most) {
        found.push(certname);
        puppetMajor = Math.max(puppetMajor, majorOf(status.versions.puppet));
      }
    }
  }
  return { found, unreadable, puppetMajor };
}

/** The major version of a version string; 0 when it is not known. */
export function majorOf(version: string | null): number {
  return Number(/^\d{1,4}/.exec(version ?? '')?.[0] ?? 0);
}

/**
 * Sorts by a digest of the name, because hosts with similar names (web1, web2) are often of one
 * kind.
 */
async function listHosts({ bucket, tree }: TreePlace): Promise<ListedObject[]> {
  const prefix = hostStatusPrefix(tree);
  const hosts: { readonly listed: ListedObject; readonly digest: string }[] = [];
  for await (const listed of bucket.list(prefix)) {
    const name = listed.key.slice(prefix.length).replace(/\.json$/, '');
    if (!CERTNAME.test(name) || listed.key !== hostStatusKey(tree, name)) continue;
    hosts.push({ listed, digest: createHash('sha256').update(name).digest('hex') });
  }
  return hosts.sort((a, b) => (a.digest < b.digest ? -1 : 1)).map(({ listed }) => listed);
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}

function usage(message: string): CodedError {
  return new CodedError(message, {
    code: 'USAGE',
    next: 'mm status, to see which hosts have reported',
  });
}
