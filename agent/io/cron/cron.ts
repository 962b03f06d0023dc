import type { CronPosition } from '../../core/schedule.ts';
import { type CronFields, isMatch, nextMatch, plainFields } from './fields.ts';

/** Where a five-field cron expression stands now, in the host's time zone. */
export type Cron = (expression: string) => CronPosition;

/**
 * For expressions that the configuration has checked. node-cron takes every instant that it looks at to pieces by Intl,
 * which takes 70 ms and 8 MB to begin with; plain expressions, numbers only, do without. So only other ones load it, and
 * now: an upgrade may replace the files of this program. Throws RangeError for an expression that never matches.
 */
export async function openCron(expressions: readonly string[]): Promise<Cron> {
  const isPlain = expressions.every((expression) => plainFields(expression) !== undefined);
  const library = isPlain ? undefined : await import('./calendar.ts');
  return (expression) => {
    const fields = plainFields(expression);
    if (fields !== undefined) return plainPosition(fields, Date.now());
    if (library === undefined) throw new TypeError(`${expression} was not asked for`);
    return library.calendarPosition(expression);
  };
}

function plainPosition(fields: CronFields, now: number): CronPosition {
  const next = nextMatch(fields, now);
  const intervalMs = nextMatch(fields, next) - next;
  const previous = next - intervalMs;
  return { previous: isMatch(fields, previous) ? previous : undefined, next, intervalMs };
}
