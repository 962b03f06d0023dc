const DAY_MS = 86_400_000;

/**
 * Roles that have expired at `now`, in ms since 1970. A file has expired from the instant of
 * `expires` on (TUF 6).
 */
export function expiredRoles(expires: Readonly<Record<string, string>>, now: number): string[] {
  return Object.entries(expires)
    .filter(([, instant]) => !(now < Date.parse(instant)))
    .map(([role]) => role);
}

/** Whole days to the expiry of each role; negative once it has expired. */
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
