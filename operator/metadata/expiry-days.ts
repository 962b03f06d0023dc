const DAY_MS = 86_400_000;

/** Who renews timestamp.json: a job in CI every day, or whoever publishes next. */
export type SigningMode = 'ci' | 'laptop';

/**
 * Days that a fresh signature holds. That of the timestamp is how long a thief of the bucket can
 * hide newer releases from hosts: without a scheduled re-signer only a publication renews it, so it
 * must last longer.
 */
const EXPIRY_DAYS = { root: 365, targets: 365, environment: 180, snapshot: 365 };

/** With fewer days left a signature should be renewed. */
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

/** When a signature of `now` over that role lapses, ISO 8601 to the second as TUF wants it. */
export function expiresAt(role: string, now: number, mode: SigningMode = 'laptop'): string {
  const days = role === 'timestamp' ? TIMESTAMP_DAYS[mode].expiry : EXPIRY_DAYS[kindOf(role)];
  return new Date(now + days * DAY_MS).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** Days below which a signature over that role should be renewed. */
export function renewalMark(role: string, mode: SigningMode = 'laptop'): number {
  return role === 'timestamp' ? TIMESTAMP_DAYS[mode].renewBelow : RENEW_BELOW_DAYS[kindOf(role)];
}

/** Whether that role's signature has fewer days left than it should. */
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
