/** The numbers that each field of a cron expression allows, in order. */
export interface CronFields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: readonly number[];
  /** From 1. */
  readonly months: readonly number[];
  /** Sunday is 0. */
  readonly weekdays: readonly number[];
}

const RANGES = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A leap year can be eight years away. */
const LONGEST_MONTHS = 8 * 12 + 1;

/** Undefined for all that is not numbers, ranges, lists and `*`, and steps of minutes and hours. */
export function plainFields(expression: string): CronFields | undefined {
  const texts = expression.trim().split(/\s+/);
  const numbers = RANGES.map((range, index) => numbersOf(texts[index] ?? '', range, index < 2));
  const [minutes, hours, days, months, weekdays] = numbers;
  if (texts.length !== RANGES.length || !minutes || !hours || !days || !months || !weekdays) {
    return undefined;
  }
  return { minutes, hours, days, months, weekdays: weekdays.map((day) => day % 7) };
}

function numbersOf(
  field: string,
  [least, most]: readonly [number, number],
  hasSteps: boolean,
): readonly number[] | undefined {
  const found = new Set<number>();
  for (const part of field.split(',')) {
    const [, star, step, from, to] =
      /^(?:(\*)(?:\/(\d{1,2}))?|(\d{1,2})(?:-(\d{1,2}))?)$/.exec(part) ?? [];
    const [first, last] = star ? [least, most] : [Number(from), Number(to ?? from)];
    if (!(first >= least && last <= most && first <= last)) return undefined;
    if (step !== undefined && (!hasSteps || Number(step) === 0)) return undefined;
    for (let number = first; number <= last; number += Number(step ?? 1)) found.add(number);
  }
  return [...found].sort((a, b) => a - b);
}

/** The first match after that instant, both in ms since 1970. Throws RangeError when there is none. */
export function nextMatch(fields: CronFields, after: number): number {
  const from = new Date(after);
  if (isEveryHour(fields)) return nextMinute(fields.minutes, from);
  let day = new Date(from.getFullYear(), from.getMonth(), from.getDate());
  const last = new Date(from.getFullYear(), from.getMonth() + LONGEST_MONTHS);
  while (day < last) {
    const [year, month, date] = [day.getFullYear(), day.getMonth(), day.getDate()];
    const isOfMonth = fields.months.includes(month + 1);
    const match = isOfMonth && isOfDay(fields, day) ? firstOfDay(fields, day, after) : undefined;
    if (match !== undefined) return match;
    day = isOfMonth ? new Date(year, month, date + 1) : new Date(year, month + 1);
  }
  throw new RangeError('the cron expression never matches');
}

export function isMatch(fields: CronFields, instant: number): boolean {
  const at = new Date(instant);
  return (
    fields.minutes.includes(at.getMinutes()) &&
    fields.hours.includes(at.getHours()) &&
    fields.months.includes(at.getMonth() + 1) &&
    isOfDay(fields, at)
  );
}

function isOfDay({ days, weekdays }: CronFields, day: Date): boolean {
  return days.includes(day.getDate()) && weekdays.includes(day.getDay());
}

/** Of an hour that comes twice, when summer time ends, the first one counts; of one that is left out, the one after it. */
function firstOfDay({ hours, minutes }: CronFields, day: Date, after: number): number | undefined {
  for (const hour of hours) {
    for (const minute of minutes) {
      const at = new Date(day.getFullYear(), day.getMonth(), day.getDate(), hour, minute);
      if (at.getTime() > after) return at.getTime();
    }
  }
  return undefined;
}

function isEveryHour({ hours, days, months, weekdays }: CronFields): boolean {
  return hours.length === 24 && days.length === 31 && months.length === 12 && weekdays.length >= 7;
}

/** Where every hour is like the other the calendar has no say: a host goes on polling through an hour that comes twice. */
function nextMinute(minutes: readonly number[], from: Date): number {
  const intoHour =
    from.getMinutes() * MINUTE_MS + from.getSeconds() * 1000 + from.getMilliseconds();
  const hour = from.getTime() - intoHour;
  const [first = Number.NaN] = minutes;
  const next = minutes.map((minute) => minute * MINUTE_MS).find((minute) => minute > intoHour);
  return hour + (next ?? HOUR_MS + first * MINUTE_MS);
}
