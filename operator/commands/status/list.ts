import type { TreeConfig } from '../../config.ts';
import type { CommonOptions, Context, ListAnswer, ListEnd } from '../../context.ts';
import { csvLine } from '../../hosts/csv.ts';
import { type InstanceOptions, type Instances, readInstances } from '../../hosts/instances.ts';
import { ageSeconds, DEFAULT_LIMIT_SECONDS, shortAge } from '../../hosts/last-report.ts';
import { type SelectedHost, type SummarizedHost, selectHosts } from '../../hosts/select-hosts.ts';
import { windowText } from '../../hosts/summary.ts';
import { Where } from '../../hosts/where/where.ts';
import { withTree } from '../../open-tree.ts';
import type { StatusListAnswer } from '../../status-answer.ts';
import { longTable } from '../../table.ts';
import { HostIds } from './host-ids.ts';
import { HostTally, type StateOptions, TERMINATED } from './tally.ts';

/** Which hosts are listed. A host must meet all of it. */
export interface ListOptions extends CommonOptions, StateOptions, InstanceOptions {
  readonly failOver?: string | undefined;
  readonly csv?: boolean | undefined;
}

type HostLine = StatusListAnswer['hosts'][number];

/** Reads hosts, and says of each whether it meets the conditions. */
export type HostSource = (where: Where) => AsyncIterable<SelectedHost>;

/** `mm status`: an entry for each host, printed while the statuses are read. */
export async function listHosts(
  context: Context,
  options: ListOptions,
  print: (answer: ListAnswer<HostLine>) => Promise<void>,
): Promise<void> {
  const noteFacts = (): void =>
    context.notice(
      'a condition is about facts that are not in the status: reads the facts of each host, one more request each (facts.promote of agent.yaml avoids it)',
    );
  const instances = readInstances(context, options);
  await withTree(context, options, async ({ config, bucket }) => {
    const place = { bucket, tree: config.tree };
    const source: HostSource = (where) => selectHosts(place, where, noteFacts);
    const ids = new HostIds(config.stateDirectory, context.now());
    await printHosts(context, config, options, { source, ids, instances, print });
  });
}

/** Prints the hosts of a source. Throws USAGE for a wrong option. */
export async function printHosts(
  context: Pick<Context, 'now' | 'columns'>,
  { bucket, tree }: Pick<TreeConfig, 'bucket' | 'tree'>,
  options: ListOptions,
  hosts: {
    readonly source: HostSource;
    /** Undefined for a copy: it may be older than what these ids were seen in. */
    readonly ids: HostIds | undefined;
    /** Of `--instances`. */
    readonly instances: Instances | undefined;
    readonly print: (answer: ListAnswer<HostLine>) => Promise<void>;
  },
): Promise<void> {
  const where = new Where(options.where, hosts.ids === undefined ? 'copy' : 'bucket');
  const tally = new HostTally(options, options.failOver);
  const now = context.now();
  const { ids, instances } = hosts;
  const listed = listedHosts(hosts.source(where), tally, { options, ids, now, instances });
  await hosts.print({
    head: { schemaVersion: 1, bucket, tree },
    name: 'hosts',
    entries: listed,
    lines: (entries) =>
      options.csv === true
        ? csvLines(entries)
        : longTable(HEADER, cellsOf(entries), context.columns),
    isJudged: options.failOver !== undefined,
    end(): ListEnd {
      where.requireAnswerable();
      ids?.save();
      return tally.end(where);
    },
  });
}

async function* listedHosts(
  hosts: AsyncIterable<SelectedHost>,
  tally: HostTally,
  {
    options,
    ids,
    now,
    instances,
  }: {
    readonly options: ListOptions;
    readonly ids: HostIds | undefined;
    readonly now: number;
    readonly instances: Instances | undefined;
  },
): AsyncGenerator<HostLine> {
  for await (const { host, isMatching } of hosts) {
    if (!isMatching && ids === undefined && host.problem === undefined) {
      tally.countOther();
      continue;
    }
    const line = lineOf(host, { stale: options.stale, instances }, now);
    const { certname, hostId } = line;
    if (hostId !== null && ids?.isChangingBack(certname, hostId) === true) {
      line.shared ??= 'two machines: the host id changes back and forth';
    }
    if (tally.count(host, line, isMatching)) yield line;
  }
}

/** The entry of a host. */
export function lineOf(
  { certname, receivedAt, summary, problem }: SummarizedHost,
  {
    stale,
    instances,
  }: { readonly stale: ListOptions['stale']; readonly instances: Instances | undefined },
  now: number,
): HostLine {
  const instance = summary?.instance && instances?.stateOf(summary.instance);
  const age = ageSeconds(receivedAt, now);
  const limit =
    typeof stale === 'object' ? stale.seconds : (summary?.limitSeconds ?? DEFAULT_LIMIT_SECONDS);
  return {
    certname,
    receivedAt: new Date(receivedAt).toISOString(),
    ageSeconds: age,
    stale: age > limit && instance?.isGone !== true,
    environment: summary?.environment ?? null,
    version: summary?.version ?? null,
    run: summary?.run ?? null,
    failure: summary?.failure ?? null,
    trust: summary?.trust ?? null,
    hostId: summary?.hostId ?? null,
    shared: summary?.shared ?? null,
    retry: summary?.retry ?? null,
    window: windowText(summary?.window ?? null, now),
    deferred: summary?.deferred ?? null,
    pinned: summary?.pinned ?? null,
    instance: instance == null ? null : instance.isGone ? TERMINATED : instance.text,
    problem: problem?.message ?? null,
  };
}

/** The fields of `--json`. */
const CSV_COLUMNS = [
  ...['certname', 'run', 'receivedAt', 'ageSeconds', 'stale', 'environment', 'version'],
  ...['trust', 'failure', 'hostId', 'shared', 'retry', 'window', 'deferred', 'pinned'],
  ...['instance', 'problem'],
] as const satisfies readonly (keyof HostLine)[];

async function* csvLines(entries: AsyncIterable<HostLine>): AsyncGenerator<string> {
  yield csvLine(CSV_COLUMNS);
  for await (const line of entries) yield csvLine(CSV_COLUMNS.map((name) => line[name]));
}

const HEADER = ['certname', 'run', 'reported', 'environment', 'version', 'trust', 'note'];

async function* cellsOf(entries: AsyncIterable<HostLine>): AsyncGenerator<string[]> {
  for await (const line of entries) {
    const { certname, environment, version, run, trust, problem } = line;
    const { shared, failure, retry, window, deferred, pinned, instance } = line;
    const reported = `${shortAge(line.ageSeconds)} ago${line.stale ? ', stale' : ''}`;
    if (problem !== null) {
      yield [certname, 'unreadable', reported, '', '', '', problem];
      continue;
    }
    const machine = instance === null ? null : `instance ${instance}`;
    const notes = [shared, failure, retry, window, deferred, pinned, machine];
    const note = notes.filter((each) => each !== null).join('; ');
    const cells = [run ?? 'no run', reported, environment ?? '', version ?? 'none', trust ?? ''];
    yield [certname, ...cells, note];
  }
}
