import type { DatabaseSync } from 'node:sqlite';
import type { Instances } from '../hosts/instances.ts';

/** SQL, for a row of `host`: its EC2 instance does not come back. False without a list of them. */
export const IS_TERMINATED = '(instanceId IS NOT NULL AND mm_is_terminated(instanceId, zone))';

/** Gives a connection what {@link IS_TERMINATED} calls. `instances`: those of `--instances`. */
export function defineTerminated(database: DatabaseSync, instances: Instances | undefined): void {
  database.function('mm_is_terminated', { deterministic: true }, (id, zone) => {
    const named = { id: String(id), zone: zone === null ? null : String(zone) };
    return Number(instances?.stateOf(named).isGone === true);
  });
}

/**
 * SQL of the one state in which each host is counted, for a row of `host`, so that all counts add
 * up to the fleet. What makes the others unknown comes first: nobody knows how a silent host is.
 * Its parameter is the time in ms since 1970.
 */
export const STATE_SQL = `CASE
  WHEN problemKind IS NOT NULL THEN 'unreadable'
  WHEN ${IS_TERMINATED} THEN 'terminated'
  WHEN ? - receivedAt > limitSeconds * 1000 THEN 'silent'
  WHEN isDisabled THEN 'disabled'
  ELSE coalesce(run, 'no-run') END`;
