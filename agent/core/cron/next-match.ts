import type { CronPosition } from '../schedule.ts';
import { allowsDate, type CronFields } from './fields.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** 29 February falls on a given weekday within 40 years. */
const HORIZON_MONTHS = 40 * 12 + 1;

/**
 * The matches of an expression around an instant, in local time. Throws RangeError when it never
 * matches.
 */
export function cronPosition(fields: CronFields, now: number): CronPosition {
  const next = nextMatch(fields, now);
  const intervalMs = nextMatch(fields, next) - next;
  const previous = next - intervalMs;
  return { previous: isMatch(fields, previous) ? previous : undefined, next, intervalMs };
}

/**
 * The first match after an instant, both in ms since 1970. Throws RangeError when no match exists.
 *
 * When summer time begins, a time that does not exist moves to the hour after it. When it ends, a
 * fixed time that occurs twice matches the first time only. An expression that allows every hour
 * also matches in the repeated hour: a host must not stop polling for it.
 */
export function nextMatch(fields: CronFields, after: number): number {
  const from = new Date(after);
  if (fields.hours.length === 24) {
    const next = nextMinute(fields.minutes, from);
    if (allowsDate(fields, new Date(next))) return next;
  }
  const last = new Date(from.getFullYear(), from.getMonth() + HORIZON_MONTHS);
  for (let day = midnight(from, 0); day < last; ) {
    const found = allowsDate(fields, day) ? firstOfDay(fields, day, after) : undefined;
    if (found !== undefined) return found;
    day = fields.months.includes(day.getMonth() + 1) ? midnight(day, 1) : nextMonth(day);
  }
  throw new RangeError('the cron expression never matches');
}

function isMatch(fields: CronFields, instant: number): boolean {
  const at = new Date(instant);
  const isTime = fields.minutes.includes(at.getMinutes()) && fields.hours.includes(at.getHours());
  return isTime && allowsDate(fields, at);
}

/** In a zone where summer time begins at midnight, it is 01:00. */
function midnight(day: Date, daysLater: number): Date {
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + daysLater);
}

function nextMonth(day: Date): Date {
  return new Date(day.getFullYear(), day.getMonth() + 1);
}

function firstOfDay({ hours, minutes }: CronFields, day: Date, after: number): number | undefined {
  for (const hour of hours) {
    for (const minute of minutes) {
      const at = new Date(day.getFullYear(), day.getMonth(), day.getDate(), hour, minute);
      if (at.getTime() > after) return at.getTime();
    }
  }
  return undefined;
}

/** Adds elapsed time, not wall-clock time. */
function nextMinute(minutes: readonly number[], from: Date): number {
  const intoHour =
    from.getMinutes() * MINUTE_MS + from.getSeconds() * 1000 + from.getMilliseconds();
  const hour = from.getTime() - intoHour;
  const [first = Number.NaN] = minutes;
  const next = minutes.map((minute) => minute * MINUTE_MS).find((minute) => minute > intoHour);
  return hour + (next ?? HOUR_MS + first * MINUTE_MS);
}
