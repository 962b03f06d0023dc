/**
 * The one state in which each host is counted, so that all counts add up to the fleet. What makes
 * the others unknown comes first: nobody knows how a silent host is.
 */
export const HOST_STATES = [
  ...['failed', 'not-compiled', 'killed', 'silent', 'unreadable', 'disabled', 'pending'],
  ...['changed', 'unchanged', 'skipped', 'no-run'],
] as const;

/** SQL of that state, for a row of `host`. Its parameter is the time in ms since 1970. */
export const STATE_SQL = `CASE
  WHEN problemKind IS NOT NULL THEN 'unreadable'
  WHEN ? - receivedAt > limitSeconds * 1000 THEN 'silent'
  WHEN isDisabled THEN 'disabled'
  ELSE coalesce(run, 'no-run') END`;
