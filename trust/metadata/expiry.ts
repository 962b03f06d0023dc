const DAY_MS = 86_400_000;

/**
 * The time that expiry is checked against, ms since 1970: a host's clock may stand, S3's Date header cannot be set by a
 * thief of the bucket, and no time that S3 once told can come back.
 */
export function guardedNow(localNow: number, highestServerDate: number | undefined): number {
  return Math.max(localNow, highestServerDate ?? 0);
}

/** Roles that have expired at `now`. TUF: at the very instant of `expires` a file has expired. */
export function expiredRoles(expires: Readonly<Record<string, string>>, now: number): string[] {
  return Object.entries(expires)
    .filter(([, instant]) => !(now < Date.parse(instant)))
    .map(([role]) => role);
}

/** Whole days to the expiry of each role; negative once expired. */
export function daysToExpiry(
  expires: Readonly<Record<string, string>>,
  now: number,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(expires).map(([role, instant]) => [
      role,
      Math.floor((Date.parse(instant) - now) / DAY_MS),
    ]),
  );
}
