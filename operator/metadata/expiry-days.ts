const DAY_MS = 86_400_000;

/** Who renews timestamp.json: a daily CI job, or the next person who publishes. */
export type SigningMode = 'ci' | 'laptop';

/**
 * Days for which a new signature is valid. The days of the timestamp limit how long an attacker who
 * controls the bucket can hide newer releases from hosts. Without a scheduled job only a
 * publication renews the timestamp, so it must be valid for longer.
 */
const EXPIRY_DAYS = { root: 365, targets: 365, environment: 180, snapshot: 365 };

/** A signature with fewer days left should be renewed. */
const RENEW_BELOW_DAYS = {
  root: 120,
  targets: 120,
  environment: 45,
  snapshot: 90,
} satisfies typeof EXPIRY_DAYS;

const TIMESTAMP_DAYS = {
  ci: { expiry: 14, renewBelow: 10 },
  laptop: { expiry: 60, renewBelow: 25 },
} as const satisfies Record<SigningMode, object>;

/**
 * When a signature made at `now` for that role expires: ISO 8601 to the second, as TUF requires.
 */
export function expiresAt(role: string, now: number, mode: SigningMode = 'laptop'): string {
  const days = role === 'timestamp' ? TIMESTAMP_DAYS[mode].expiry : EXPIRY_DAYS[kindOf(role)];
  return new Date(now + days * DAY_MS).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** A signature for that role should be renewed when it has fewer days left than this. */
export function renewalMark(role: string, mode: SigningMode = 'laptop'): number {
  return role === 'timestamp' ? TIMESTAMP_DAYS[mode].renewBelow : RENEW_BELOW_DAYS[kindOf(role)];
}

/** Whether the signature for that role should be renewed. */
export function isRenewalDue(
  role: string,
  expires: string,
  { now, mode }: { readonly now: number; readonly mode?: SigningMode | undefined },
): boolean {
  return !(Date.parse(expires) - now >= renewalMark(role, mode) * DAY_MS);
}

function kindOf(role: string): keyof typeof EXPIRY_DAYS {
  switch (role) {
    case 'root':
    case 'targets':
    case 'snapshot':
      return role;
    default:
      return 'environment';
  }
}
