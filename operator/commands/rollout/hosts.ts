import type { CommonOptions, Context } from '../../context.ts';
import { storedStatuses } from '../../fleet/stored-hosts.ts';
import { type HostStatus, readStatuses } from '../../hosts/read-statuses.ts';
import type { Slots } from '../../metadata/slots.ts';
import type { OpenTree } from '../../open-tree.ts';
import { withStore } from '../fleet/open-store.ts';
import { sync } from '../fleet/sync.ts';
import { progressOf } from './tally.ts';

export interface Tally {
  readonly done: number;
  readonly waiting: readonly HostNote[];
  readonly failing: readonly HostNote[];
  readonly outside: number;
  /** Objects that are not the status of a host. */
  readonly unreadable: number;
}

export interface HostNote {
  readonly certname: string;
  readonly why: string;
}

/**
 * Counts the hosts of an environment by their progress. The statuses are not signed, and a host can
 * write anything into its own. Forged statuses can delay a rollout. They can never move it beyond
 * what was signed.
 */
export async function tallyHosts(
  context: Context,
  { config, bucket }: OpenTree,
  options: HostsOptions,
  wanted: Wanted,
): Promise<Tally> {
  if (options.fleet !== true) {
    return await tally(readStatuses({ bucket, tree: config.tree }), wanted);
  }
  await sync(context, options);
  return await withStore(context, options, ({ store }) => tally(storedStatuses(store), wanted));
}

export interface HostsOptions extends CommonOptions {
  /** Bring the copy of `mm fleet` up to date, and read it. */
  readonly fleet?: boolean | undefined;
}

interface Wanted {
  readonly environment: string;
  readonly slots: Slots;
  /** In ms since 1970. */
  readonly now: number;
}

async function tally(
  hosts: AsyncIterable<Pick<HostStatus, 'certname' | 'status'>>,
  { environment, slots, now }: Wanted,
): Promise<Tally> {
  const found = { done: 0, outside: 0, unreadable: 0 };
  const notes = { waiting: [] as HostNote[], failing: [] as HostNote[] };
  for await (const { certname, status } of hosts) {
    if (status === undefined) {
      found.unreadable += 1;
      continue;
    }
    if (status.environment !== environment) continue;
    const progress = progressOf(slots, status, { certname, now });
    if ('why' in progress) notes[progress.kind].push({ certname, why: progress.why });
    else found[progress.kind] += 1;
  }
  const byName = (a: HostNote, b: HostNote) => a.certname.localeCompare(b.certname);
  return { ...found, waiting: notes.waiting.sort(byName), failing: notes.failing.sort(byName) };
}

/** The share of failing hosts among those that have run the release, in basis points. */
export function failingBp({ done, failing }: Tally): number {
  const ran = done + failing.length;
  return ran === 0 ? 0 : Math.round((failing.length * 10_000) / ran);
}
