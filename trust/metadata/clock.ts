const DAY_MS = 86_400_000;

/** The time of one refresh, in ms since 1970. */
export interface GuardedClock {
  /** What expiry is checked against in this refresh. */
  readonly now: number;
  /**
   * As `now`, without the `Date` header of this answer. For decisions that outlast this refresh.
   */
  readonly certain: number;
  /** The earliest time that the next refresh accepts from a clock. */
  readonly floor: number;
}

/**
 * Guards expiry against a host clock that is behind or was set back. The `Date` header of an answer
 * counts fully in its own refresh: a thief of the bucket cannot set it, but a proxy or a store can.
 * It therefore raises the floor at most to one day ahead of the host's own clock. One answer from
 * the year 9999 must not make everything expire forever, and repeated answers must not raise the
 * floor step by step.
 */
export function guardClock({
  local,
  floor,
  serverDate,
}: {
  readonly local: number;
  readonly floor: number;
  readonly serverDate: number | undefined;
}): GuardedClock {
  const raised = Math.max(floor, Math.min(serverDate ?? 0, local + DAY_MS));
  return {
    now: guardedNow(local, Math.max(floor, serverDate ?? 0)),
    certain: guardedNow(local, raised),
    floor: raised,
  };
}

/** The later of the host's clock and the latest other time that counts, in ms since 1970. */
export function guardedNow(localNow: number, latestKnown: number | undefined): number {
  return Math.max(localNow, latestKnown ?? 0);
}
