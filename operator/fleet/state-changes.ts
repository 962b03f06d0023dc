import type { Where } from '../hosts/where/where.ts';
import { STATE_SQL } from './host-state.ts';
import type { FleetStore } from './store.ts';
import { storedHosts } from './stored-hosts.ts';

/** A host that is in another state than before. */
export interface StateChange {
  readonly certname: string;
  /** Null: it was not in the copy. `ok` is any good end of a run. */
  readonly from: string | null;
  /** Null: it is gone from the bucket, or no longer meets the conditions. */
  readonly to: string | null;
  readonly environment: string | null;
  readonly version: string | null;
  /** Why its last run failed. */
  readonly failure: string | null;
}

/** The state of each host. Runs that change something come and go: they are all `ok`. */
export type States = ReadonlyMap<string, string>;

/** The states of the hosts that meet the conditions. */
export async function statesOf(store: FleetStore, where: Where, now: number): Promise<States> {
  const matching = new Set<string>();
  const isSelecting = where.paths.length > 0;
  if (isSelecting) {
    for await (const { host, isMatching } of storedHosts(store, where))
      if (isMatching) matching.add(host.certname);
  }
  const states = new Map<string, string>();
  const statement = store.database.prepare(
    `SELECT certname, CASE WHEN state IN ('changed', 'unchanged', 'skipped') THEN 'ok' ELSE state END
     FROM (SELECT certname, ${STATE_SQL} AS state FROM host)`,
  );
  statement.setReturnArrays(true);
  for (const row of statement.iterate(now) as Iterable<unknown>) {
    const [certname, state] = row as readonly [string, string];
    if (!isSelecting || matching.has(certname)) states.set(certname, state);
  }
  return states;
}

/** The hosts whose state differs, in the order of their names. */
export function changesBetween(store: FleetStore, before: States, after: States): StateChange[] {
  const about = store.database.prepare(
    'SELECT environment, version, failure FROM host WHERE certname = ?',
  );
  const names = new Set([...before.keys(), ...after.keys()]);
  const changed = [...names].filter((name) => before.get(name) !== after.get(name)).sort();
  return changed.map((certname) => {
    const row = about.get(certname);
    const text = (name: string): string | null => (row?.[name] as string | null) ?? null;
    return {
      certname,
      from: before.get(certname) ?? null,
      to: after.get(certname) ?? null,
      environment: text('environment'),
      version: text('version'),
      failure: text('failure'),
    };
  });
}
