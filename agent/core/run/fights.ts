import type { Fight, RunSummary } from '../../../bucket/documents/status.ts';
import type { ChangedValue } from './changed-values.ts';

/** After this many runs in a row, another program or resource must be changing the value back. */
const RUNS_OF_A_FIGHT = 3;
const MOST_KEPT = 50;
const MOST_REPORTED = 10;

/**
 * Counts the runs in a row that changed a property to the same value. `puppet apply` cannot say
 * whether a change corrects drift, because it keeps no values from run to run. A failed run may
 * have skipped a resource, and a noop run changes nothing: neither of them ends a count.
 */
export function countChanges(
  last: readonly Fight[],
  changed: readonly ChangedValue[],
  run: Pick<RunSummary, 'status' | 'noop' | 'startedAt'>,
): Fight[] {
  if (run.noop) return [...last];
  const known = new Map(last.map((change) => [keyOf(change), change]));
  const counted = changed.map((change): Fight => {
    const before = known.get(keyOf(change));
    known.delete(keyOf(change));
    return { ...change, runs: (before?.runs ?? 0) + 1, since: before?.since ?? run.startedAt };
  });
  const isComplete = run.status === 'changed' || run.status === 'unchanged';
  const kept = isComplete ? [] : [...known.values()];
  return [...counted, ...kept].sort((a, b) => b.runs - a.runs).slice(0, MOST_KEPT);
}

/** Returns the fights for the status document; undefined without a fight. */
export function fightsOf(changes: readonly Fight[]): Fight[] | undefined {
  const fights = changes.filter(({ runs }) => runs >= RUNS_OF_A_FIGHT).slice(0, MOST_REPORTED);
  return fights.length === 0 ? undefined : fights;
}

function keyOf({ resource, property, desired }: ChangedValue): string {
  return JSON.stringify([resource, property, desired]);
}
