/** What can defer the runs of a Mac: `defer_on`. */
export type Condition = 'battery' | 'metered';

/** A run that waits for better conditions, for a limited time. Kept in the state. */
export interface Deferral {
  /** ISO 8601. */
  readonly since: string;
  /** ISO 8601. From then on the run is not deferred any longer. */
  readonly until: string;
  readonly why: string;
}

const MEANINGS: Readonly<Record<Condition, string>> = {
  battery: 'on battery power',
  metered: 'on a metered network',
};

/**
 * Returns the deferral of a run that is due; undefined when it must run now. `found` is the
 * condition that holds, `now` is in ms since 1970.
 */
export function deferralOf(
  last: Deferral | null,
  found: Condition | undefined,
  { now, limitSeconds }: { readonly now: number; readonly limitSeconds: number },
): Deferral | undefined {
  if (found === undefined) return undefined;
  const since = last === null ? now : Date.parse(last.since);
  // When the clock was set back, the deferral starts again.
  const begun = since > now ? now : since;
  const until = begun + limitSeconds * 1000;
  if (until <= now) return undefined;
  const untilText = new Date(until).toISOString();
  const why = `${MEANINGS[found]}: deferred until ${untilText} at the latest`;
  return { since: new Date(begun).toISOString(), until: untilText, why };
}

/** Whether a deferred run may still wait, so that a poll must check the conditions first. */
export function mayWait({ since, until }: Deferral, now: number): boolean {
  return Date.parse(since) <= now && now < Date.parse(until);
}
