import type { CronPosition } from '../core/schedule.ts';

/** Where a five-field cron expression stands now, in the host's time zone. */
export type Cron = (expression: string) => CronPosition;

/**
 * For expressions that the configuration has checked. node-cron goes through the time zone's calendar for each instant it
 * looks at, which takes 70 ms and 5 MB to begin with, and leaves out the hour that comes twice when summer ends. Where an
 * expression is about minutes only, every hour is like the other and the calendar has no say. So only other expressions
 * load it, and now: an upgrade may replace this program.
 */
export async function openCron(expressions: readonly string[]): Promise<Cron> {
  const needsCalendar = expressions.some((expression) => minutesOf(expression) === undefined);
  const library = needsCalendar ? await import('./cron-calendar.ts') : undefined;
  return (expression) => {
    const minutes = minutesOf(expression);
    if (minutes !== undefined) return minutePosition(minutes, new Date());
    if (library === undefined) throw new RangeError(`${expression} was not asked for`);
    return library.calendarPosition(expression);
  };
}

// The minutes of `*`, `*/5` or `7,37` in front of four stars, in order; undefined for any other expression.
function minutesOf(expression: string): readonly number[] | undefined {
  const field = /^\s*(\S+)(\s+\*){4}\s*$/.exec(expression)?.[1] ?? '';
  const step = field === '*' ? 1 : Number(/^\*\/([1-9]\d?)$/.exec(field)?.[1]);
  if (step < 60) return Array.from({ length: Math.ceil(60 / step) }, (_, n) => n * step);
  if (!/^[1-5]?\d(,[1-5]?\d)*$/.test(field)) return undefined;
  return [...new Set(field.split(',').map(Number))].sort((a, b) => a - b);
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

function minutePosition(minutes: readonly number[], now: Date): CronPosition {
  const intoHour = now.getMinutes() * MINUTE_MS + now.getSeconds() * 1000 + now.getMilliseconds();
  const hour = now.getTime() - intoHour;
  const matches = [-1, 0, 1, 2].flatMap((hours) =>
    minutes.map((minute) => hour + hours * HOUR_MS + minute * MINUTE_MS),
  );
  const index = matches.findIndex((match) => match > now.getTime());
  const [next = Number.NaN, afterNext = Number.NaN] = matches.slice(index, index + 2);
  const intervalMs = afterNext - next;
  const previous = matches.find((match) => match === next - intervalMs);
  return { previous, next, intervalMs };
}
