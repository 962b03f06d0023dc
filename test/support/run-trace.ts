import { collectFacts } from '../../agent/core/facts/facts.ts';

/** What can be compared of two runs that should do the same. */
export interface RunTrace {
  /** By title, without times. */
  readonly resources: Readonly<Record<string, unknown>>;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The report and the facts of a run, as parsed JSON. */
export function runTrace(report: unknown, facts: unknown): RunTrace {
  const { resource_statuses: statuses = {} } = report as Statuses;
  const resources = Object.entries(statuses).map(([title, status]) => {
    const { time, evaluation_time, events, ...lasting } = status;
    return [title, { ...lasting, events: events.length }] as const;
  });
  const options = { deny: VOLATILE, promote: [], maxBytes: 2 ** 24 };
  const stable = Object.entries(collectFacts(facts, options)?.all ?? {}).filter(
    ([name]) => !OF_THE_MACHINE.test(name),
  );
  return { resources: Object.fromEntries(resources), facts: Object.fromEntries(stable) };
}

interface Statuses {
  readonly resource_statuses?: Readonly<
    Record<string, Readonly<Record<string, unknown>> & { readonly events: readonly unknown[] }>
  >;
}

/** Facts of memory and processors that change with time. */
const VOLATILE = ['memory', 'load_averages', 'system_uptime', 'processors.speed'];

/** Facts that other tests on this machine change: they mount file systems and create interfaces. */
const OF_THE_MACHINE =
  /^(mountpoints|filesystems|partitions|disks|networking|interfaces|mtu_|network|netmask|ipaddress|macaddress|scope6|uptime|memory|swap)/;
