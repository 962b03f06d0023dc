import { parse } from 'node-cron';
import { counted } from '../../shared/counted.ts';
import type { CronFields } from '../core/cron/fields.ts';

/** node-cron looks for names anywhere, and reads `janfeb` as December. */
const NAMES = [
  ...['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september'],
  ...['october', 'november', 'december', 'sunday', 'monday', 'tuesday', 'wednesday', 'thursday'],
  ...['friday', 'saturday'],
].map((name) => `${name.slice(0, 3)}(?:${name.slice(3)})?`);
const VALUE = `(?:\\d{1,2}|${NAMES.join('|')})`;
/** Between two commas. */
const ITEM = new RegExp(
  `^(?:(?:[*?]|${VALUE}(?:-${VALUE})?)(?:/\\d{1,2})?|L(?:-\\d{1,2}|W)?|\\d{1,2}W|\\dL|\\d#\\d)$`,
  'i',
);

/**
 * Reads a cron expression of five fields, as crontab(5) has it; with six fields node-cron reads the
 * first one as seconds, and a fleet would poll 60 times a minute. Throws an error that says which
 * field is wrong.
 */
export function parseCron(expression: string): CronFields {
  const words = expression.trim().split(/\s+/);
  const [minute, hour, day = '', month, weekday = ''] = words;
  if (words.length !== 5) throw new Error(`it has ${counted(words.length, 'field')} instead of 5`);
  const wrong = words.flatMap((word) => word.split(',')).find((item) => !ITEM.test(item));
  if (wrong !== undefined) throw new Error(`"${wrong}" is not a value, a range or a step`);
  // Parsed separately: node-cron refuses a day that the month does not have, but here the weekday
  // may be enough.
  const { dayOfMonth } = parse(`0 0 ${day} * *`);
  const others = parse(`${minute} ${hour} * ${month} ${weekday}`);
  return {
    minutes: inOrder(others.minute),
    hours: inOrder(others.hour),
    days: dayOfMonth,
    months: inOrder(others.month),
    weekdays: others.dayOfWeek,
    isEitherDay: isRestricted(day) && isRestricted(weekday),
  };
}

/** crontab(5): a field that begins with `*` is not restricted, even when it has a step. */
function isRestricted(field: string): boolean {
  return !/^[*?]/.test(field);
}

function inOrder(numbers: readonly number[]): readonly number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}
