const DAY_MS = 86_400_000;

/** The time of one refresh, in ms since 1970. */
export interface GuardedClock {
  /** What expiry is checked against in this refresh. */
  readonly now: number;
  /**
   * The same without this answer's `Date` header. For decisions that last longer than this refresh.
   */
  readonly certain: number;
  /** What the next refresh starts from: no refresh believes that it is earlier than this. */
  readonly floor: number;
}

/**
 * Guards expiry against a host's clock that is behind or was set back. A `Date` header counts in
 * full for its own refresh: a thief of the bucket cannot set it, but a proxy or a store can.
 * Therefore it raises the floor to a day ahead of the host's own clock at most. One answer from the
 * year 9999 must not expire everything forever, and repeated answers must not raise the floor step
 * by step.
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
