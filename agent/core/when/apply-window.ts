/** When Puppet may change this host: `apply_window`. Plain JSON, as the daemon gets it. */
export interface ApplyWindow {
  /** Sunday is 0. The days on which the window opens. */
  readonly days: readonly number[];
  /**
   * Minutes since midnight, from 0 to 1440. When `to` is before `from`, the window ends on the next
   * day.
   */
  readonly time: { readonly from: number; readonly to: number };
  /** IANA name; undefined: the zone of the host. */
  readonly zone?: string | undefined;
  /** Dates, both included, on which nothing is applied: `2026-12-20`. */
  readonly freeze: readonly { readonly from: string; readonly to: string }[];
}

export type WindowState =
  | { readonly isOpen: true }
  | {
      readonly isOpen: false;
      /** ISO 8601. Null when it does not open again. */
      readonly opensAt: string | null;
      /** Says that the window is closed, and when it opens. */
      readonly why: string;
    };

export const OPEN: WindowState = { isOpen: true };

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** How far to search for the next opening: a freeze may last a year, and another one may follow. */
const HORIZON_DAYS = 800;

/**
 * Returns whether the window is open at `now`, in ms since 1970. Without a window it is always
 * open.
 */
export function windowAt(window: ApplyWindow | undefined, now: number): WindowState {
  if (window === undefined) return OPEN;
  const offsetMs = offsetIn(window.zone);
  const wall = wallClock(now + offsetMs(now));
  if (isOpen(window, wall) || (isOpenInSkipped(window, now, offsetMs) && !isFrozen(window, wall)))
    return OPEN;
  const opens = nextOpening(window, now, offsetMs);
  const opensAt = opens === undefined ? null : new Date(opens).toISOString();
  const when = opensAt === null ? 'it does not open again' : `it opens at ${opensAt}`;
  const what = isFrozen(window, wall) ? `${wall.date} is a freeze date` : 'apply_window is closed';
  return { isOpen: false, opensAt, why: `${what}; ${when}` };
}

/** What the clock on the wall shows. */
interface WallClock {
  /** `2026-12-20`. */
  readonly date: string;
  /** Sunday is 0. */
  readonly day: number;
  /** Since midnight. */
  readonly minute: number;
}

/** `local` is in ms, as if the zone were UTC. */
function wallClock(local: number): WallClock {
  const at = new Date(local);
  return {
    date: at.toISOString().slice(0, '2026-12-20'.length),
    day: at.getUTCDay(),
    minute: at.getUTCHours() * 60 + at.getUTCMinutes(),
  };
}

function isOpen(window: ApplyWindow, wall: WallClock): boolean {
  if (isFrozen(window, wall)) return false;
  const { days, time } = window;
  const isDay = days.includes(wall.day);
  if (time.from < time.to) return isDay && wall.minute >= time.from && wall.minute < time.to;
  const wasDay = days.includes((wall.day + 6) % 7);
  return (isDay && wall.minute >= time.from) || (wasDay && wall.minute < time.to);
}

/**
 * When summer time begins, the hour after it also has the windows of the hour that does not exist,
 * as a cron expression of such a time matches in the hour after it.
 */
function isOpenInSkipped(
  window: ApplyWindow,
  now: number,
  offsetMs: (instant: number) => number,
): boolean {
  const before = offsetMs(now - HOUR_MS);
  const skippedMs = offsetMs(now) - before;
  const isAfterIt = skippedMs > 0 && offsetMs(now - skippedMs) === before;
  return isAfterIt && isOpen(window, wallClock(now + before));
}

function isFrozen({ freeze }: ApplyWindow, { date }: WallClock): boolean {
  return freeze.some(({ from, to }) => from <= date && date <= to);
}

/**
 * The window opens at its time, or at midnight: after a freeze date, in a window that ends on the
 * next day. Undefined when it does not open within the horizon.
 */
function nextOpening(
  window: ApplyWindow,
  now: number,
  offsetMs: (instant: number) => number,
): number | undefined {
  const local = now + offsetMs(now);
  const midnight = local - (local % DAY_MS);
  for (let days = 0; days <= HORIZON_DAYS; days++) {
    for (const minutes of [0, window.time.from]) {
      const opening = midnight + days * DAY_MS + minutes * MINUTE_MS;
      if (opening <= local || !isOpen(window, wallClock(opening))) continue;
      // The offset is looked up twice, because summer time may begin or end in between.
      return opening - offsetMs(opening - offsetMs(opening));
    }
  }
  return undefined;
}

/** Returns a function from an instant to the offset of the zone, in ms. */
function offsetIn(zone: string | undefined): (instant: number) => number {
  if (zone === undefined) return (instant) => -new Date(instant).getTimezoneOffset() * MINUTE_MS;
  // The Swedish format is `2026-12-20 22:00:00`, as in ISO 8601.
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return (instant) => {
    const second = instant - (instant % 1000);
    return Date.parse(`${format.format(second).replace(' ', 'T')}Z`) - second;
  };
}
