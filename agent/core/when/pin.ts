import type { StatusDocument } from '../../../bucket/documents/status.ts';

/** What `mm-agent pin` asks for. Instants are ISO 8601. */
export interface Pin {
  /** This host follows it in place of the one in agent.yaml; null: it stays on `release`. */
  readonly environment: string | null;
  /** An installed release. */
  readonly release: { readonly sha256: string; readonly version: string } | null;
  readonly until: string;
  readonly reason: string | null;
  readonly by: string | null;
}

/**
 * The environment that the host follows, by the last status. The daemon asks this at each poll, and
 * an ended pin does not count. `now` is in ms since 1970.
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

/** Whether the host goes back to its configuration now. `now` is in ms since 1970. */
export function hasEnded({ until }: { readonly until: string }, now: number): boolean {
  const leftMs = Date.parse(until) - now;
  // The daemon does not check its state: an instant that cannot be read has passed. After the clock
  // was set back, the end may be years away.
  return !(leftMs > 0 && leftMs <= LONGEST_PIN_MS);
}

/** `until 2026-11-29T14:00:00.000Z: reason (by)`. */
export function untilText({ until, reason, by }: Pick<Pin, 'until' | 'reason' | 'by'>): string {
  const why = reason === null ? '' : `: ${reason}`;
  return `until ${until}${why}${by === null ? '' : ` (${by})`}`;
}
