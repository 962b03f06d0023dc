import type { Answer, Context } from '../../context.ts';
import { storedHosts } from '../../fleet/stored-hosts.ts';
import type { HostSummary } from '../../hosts/summary.ts';
import { Where } from '../../hosts/where/where.ts';
import { table } from '../../table.ts';
import { type ListOptions, lineOf } from '../status/list.ts';
import { HostTally } from '../status/tally.ts';
import type { FleetStatusAnswer } from './fleet-answers.ts';
import { withStore } from './open-store.ts';

export type FleetStatusOptions = Omit<ListOptions, 'failed' | 'olderThan'>;

type Groups = FleetStatusAnswer['releases'];
type Failures = FleetStatusAnswer['failures'];

/** Groups and failures that are shown. */
const MAX_SHOWN = 10;
/** Different names that are counted: hosts choose them. */
const MAX_COUNTED = 10_000;

/** `mm fleet status`: how many hosts are in which state, on which release, and why runs fail. */
export async function fleetStatus(context: Context, options: FleetStatusOptions): Promise<Answer> {
  const where = new Where(options.where, 'copy');
  const tally = new HostTally({ where: options.where }, options.failOver);
  return await withStore(context, options, async ({ config, store, instances, syncedAt }) => {
    const known = { stale: options.stale, instances };
    const counts = new Counts();
    const now = context.now();
    for await (const { host, isMatching } of storedHosts(store, where)) {
      const { certname, receivedAt, problem } = host;
      if (!isMatching && problem === undefined) {
        tally.countOther();
        continue;
      }
      const { summary } = host;
      const line = lineOf({ certname, receivedAt, problem, summary }, known, now);
      tally.count(host, line, isMatching);
      if (summary !== undefined) counts.add(certname, summary);
    }
    where.requireAnswerable();
    const { summary, notices, exitCode } = tally.end(where);
    const document: FleetStatusAnswer = {
      ...{ schemaVersion: 1, bucket: config.bucket, tree: config.tree },
      syncedAt: new Date(syncedAt).toISOString(),
      summary,
      ...counts.end(),
    };
    return { document, lines: [...notices, ...linesOf(document)], exitCode };
  });
}

/** Hosts by release, environment, group and failure. */
class Counts {
  #disabled = 0;
  readonly #releases = new Map<string, Groups[number]>();
  readonly #environments = new Map<string, Groups[number]>();
  readonly #groups = new Map<string, Groups[number]>();
  readonly #failures = new Map<string, Failures[number]>();

  add(certname: string, summary: HostSummary): void {
    const { version, environment, groups, failure, isDisabled } = summary;
    if (isDisabled) this.#disabled += 1;
    const isFailed = failure !== null;
    count(this.#releases, version ?? 'none', isFailed);
    count(this.#environments, environment, isFailed);
    for (const group of new Set(groups)) count(this.#groups, group, isFailed);
    if (failure === null) return;
    const known = this.#failures.get(failure);
    if (known !== undefined) known.hosts += 1;
    else if (this.#failures.size < MAX_COUNTED) {
      this.#failures.set(failure, { failure, hosts: 1, example: certname });
    }
  }

  end() {
    return {
      disabled: this.#disabled,
      releases: largestFirst(this.#releases),
      environments: largestFirst(this.#environments),
      groups: largestFirst(this.#groups),
      failures: largestFirst(this.#failures),
    };
  }
}

function count(groups: Map<string, Groups[number]>, name: string, isFailed: boolean): void {
  const known = groups.get(name);
  if (known === undefined && groups.size >= MAX_COUNTED) return;
  const group = known ?? { name, hosts: 0, failed: 0 };
  group.hosts += 1;
  if (isFailed) group.failed += 1;
  groups.set(name, group);
}

function largestFirst<T extends { readonly hosts: number }>(all: ReadonlyMap<string, T>): T[] {
  return [...all.values()].sort((a, b) => b.hosts - a.hosts).slice(0, 100);
}

function linesOf({ releases, environments, groups, failures, disabled }: FleetStatusAnswer) {
  const shown = [
    ...groupLines('release', releases),
    ...groupLines('environment', environments),
    ...groupLines('group', groups),
  ];
  if (disabled > 0) shown.push('', `${disabled} disabled: mm fleet hosts --where disabled!=null`);
  if (failures.length === 0) return shown;
  const rows = failures
    .slice(0, MAX_SHOWN)
    .map(({ failure, hosts, example }) => [String(hosts), example, failure]);
  return [...shown, '', ...table([['hosts', 'for example', 'failure'], ...rows])];
}

function groupLines(what: string, groups: Groups): string[] {
  if (groups.length === 0) return [];
  const rows = groups
    .slice(0, MAX_SHOWN)
    .map(({ name, hosts, failed }) => [name, String(hosts), String(failed)]);
  const more = groups.length > MAX_SHOWN ? [`and ${groups.length - MAX_SHOWN} more`] : [];
  return ['', ...table([[what, 'hosts', 'failed'], ...rows]), ...more];
}
