/**
 * What a cron expression allows, as crontab(5) reads it. `parseCron` of agent/config/ makes it, by
 * node-cron. Plain JSON: the daemon gets it from the child that checked the configuration.
 */
export interface CronFields {
  /** All fields are in ascending order. */
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** Numbers, and node-cron's `L` (last day), `L-3`, `15W` (nearest working day) and `LW`. */
  readonly days: readonly (number | string)[];
  /** From 1. */
  readonly months: readonly number[];
  /** Sunday is 0. Numbers, and node-cron's `5L` (last Friday) and `1#2` (second Monday). */
  readonly weekdays: readonly (number | string)[];
  /**
   * True when day and weekday are both restricted: a date then matches when either of them matches.
   */
  readonly isEitherDay: boolean;
}

/** Whether the expression allows the local date of an instant. */
export function allowsDate(fields: CronFields, at: Date): boolean {
  if (!fields.months.includes(at.getMonth() + 1)) return false;
  const isDay = fields.days.some((day) => isDayOfMonth(day, at));
  const isWeekday = fields.weekdays.some((weekday) => isDayOfWeek(weekday, at));
  return fields.isEitherDay ? isDay || isWeekday : isDay && isWeekday;
}

function isDayOfMonth(day: number | string, at: Date): boolean {
  const date = at.getDate();
  if (typeof day === 'number') return date === day;
  const last = lastDate(at);
  const [, before] = /^L-(\d+)$/.exec(day) ?? [];
  if (day === 'L' || before !== undefined) return date === last - Number(before ?? 0);
  const wanted = day === 'LW' ? last : Number.parseInt(day, 10);
  return date === nearestWorkingDay(wanted, last, at);
}

/**
 * Returns the working day nearest to a date within the same month; undefined when the month has no
 * such date.
 */
function nearestWorkingDay(date: number, last: number, at: Date): number | undefined {
  if (date > last) return undefined;
  switch (new Date(at.getFullYear(), at.getMonth(), date).getDay()) {
    case 6:
      return date === 1 ? 3 : date - 1;
    case 0:
      return date === last ? date - 2 : date + 1;
    default:
      return date;
  }
}

function isDayOfWeek(weekday: number | string, at: Date): boolean {
  if (typeof weekday === 'number') return at.getDay() === weekday;
  if (Number.parseInt(weekday, 10) !== at.getDay()) return false;
  const [, nth] = /#(\d)$/.exec(weekday) ?? [];
  if (nth !== undefined) return Math.ceil(at.getDate() / 7) === Number(nth);
  return at.getDate() + 7 > lastDate(at);
}

function lastDate(at: Date): number {
  return new Date(at.getFullYear(), at.getMonth() + 1, 0).getDate();
}
