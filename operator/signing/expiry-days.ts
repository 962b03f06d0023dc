const DAY_MS = 86_400_000;

/**
 * Days that a fresh signature holds. Sixty for the timestamp, since without a scheduled re-signer only a publication
 * renews it; this is also how long a thief of the bucket can hide newer releases from hosts.
 */
const EXPIRY_DAYS = { root: 365, targets: 365, environment: 180, snapshot: 365, timestamp: 60 };

/** With fewer days left a signature should be renewed. */
const RENEW_BELOW_DAYS = {
  root: 120,
  targets: 120,
  environment: 45,
  snapshot: 90,
  timestamp: 25,
} satisfies typeof EXPIRY_DAYS;

/** When a signature of `now` over that role lapses, ISO 8601 to the second as TUF wants it. */
export function expiresAt(role: string, now: number): string {
  const days = EXPIRY_DAYS[kindOf(role)];
  return new Date(now + days * DAY_MS).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** Whether that role's signature has fewer days left than it should. */
export function isRenewalDue(role: string, expires: string, now: number): boolean {
  return !(Date.parse(expires) - now >= RENEW_BELOW_DAYS[kindOf(role)] * DAY_MS);
}

function kindOf(role: string): keyof typeof EXPIRY_DAYS {
  switch (role) {
    case 'root':
    case 'targets':
    case 'snapshot':
    case 'timestamp':
      return role;
    default:
      return 'environment';
  }
}
