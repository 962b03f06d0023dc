import { collectFacts } from '../../agent/core/facts/facts.ts';

/** What can be compared of two runs that should have done the same. */
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

/** What passes with time, memory's and the processors' part of it. */
const VOLATILE = ['memory', 'load_averages', 'system_uptime', 'processors.speed'];

/** What other tests change that share this machine: they mount file systems and bring up interfaces. */
const OF_THE_MACHINE =
  /^(mountpoints|filesystems|partitions|disks|networking|interfaces|mtu_|network|netmask|ipaddress|macaddress|scope6|uptime|memory|swap)/;
