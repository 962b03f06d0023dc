/**
 * SQL of the one state in which each host is counted, for a row of `host`, so that all counts add
 * up to the fleet. What makes the others unknown comes first: nobody knows how a silent host is.
 * Its parameter is the time in ms since 1970.
 */
export const STATE_SQL = `CASE
  WHEN problemKind IS NOT NULL THEN 'unreadable'
  WHEN ? - receivedAt > limitSeconds * 1000 THEN 'silent'
  WHEN isDisabled THEN 'disabled'
  ELSE coalesce(run, 'no-run') END`;
