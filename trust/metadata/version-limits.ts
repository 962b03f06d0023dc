/**
 * Limits for versions of roles. Without them a thief who signs once with version 2^53 - 1 blocks
 * the role forever, because no higher version exists. Both limits are far above honest use, at one
 * publication a minute for years, because a host that was off for long must not mistake an honest
 * step for an attack.
 */
export const MAX_VERSION = 1_000_000_000;
export const MAX_VERSION_STEP = 1_000_000;

/** A whole number from 1 to {@link MAX_VERSION}. */
export function isVersion(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= MAX_VERSION;
}

/**
 * True when `next` is further above `before` than honest use explains. A first version has no step.
 */
export function isLeap(before: number | undefined, next: number): boolean {
  return before !== undefined && next - before > MAX_VERSION_STEP;
}
