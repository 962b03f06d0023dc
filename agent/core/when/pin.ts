import type { StatusDocument } from '../../../bucket/documents/status.ts';

/** What `mm-agent pin` stores. Instants are ISO 8601. */
export interface Pin {
  /** The environment to follow in place of that of agent.yaml; null when `release` is set. */
  readonly environment: string | null;
  /** The installed release to stay on; null when `environment` is set. */
  readonly release: { readonly sha256: string; readonly version: string } | null;
  readonly until: string;
  readonly reason: string | null;
  readonly by: string | null;
}

/**
 * Returns the environment that the host follows, according to the last status. The daemon calls
 * this at each poll. A pin that has ended does not count. `now` is in ms since 1970.
 */
export function followedEnvironment(
  pin: StatusDocument['pin'],
  configured: string,
  now: number,
): string {
  if (pin === undefined || hasEnded(pin, now)) return configured;
  return pin.environment ?? configured;
}

const LONGEST_PIN_DAYS = 30;
/** The longest time of a pin. */
export const LONGEST_PIN = `${LONGEST_PIN_DAYS}d`;
const LONGEST_PIN_MS = LONGEST_PIN_DAYS * 86_400_000;

/**
 * Whether the pin has ended, so that the host follows its configuration. `now` is in ms since 1970.
 */
export function hasEnded({ until }: { readonly until: string }, now: number): boolean {
  const leftMs = Date.parse(until) - now;
  // The daemon does not check the state, so an unreadable instant counts as passed. A time beyond
  // the limit comes from a clock that was set back, and counts as passed, too.
  return !(leftMs > 0 && leftMs <= LONGEST_PIN_MS);
}

/** `until 2026-11-29T14:00:00.000Z: reason (by)`. */
export function untilText({ until, reason, by }: Pick<Pin, 'until' | 'reason' | 'by'>): string {
  const why = reason === null ? '' : `: ${reason}`;
  return `until ${until}${why}${by === null ? '' : ` (${by})`}`;
}
