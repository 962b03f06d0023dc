import type { CronFields } from '../../core/cron/fields.ts';
import { cronPosition } from '../../core/cron/next-match.ts';
import type { CronPosition } from '../../core/schedule.ts';

/** The matches of a cron expression around now, in local time. */
export type Cron = (expression: string) => CronPosition;

export function openCron(fieldsByExpression: Readonly<Record<string, CronFields>>): Cron {
  return (expression) => {
    const fields = fieldsByExpression[expression];
    if (fields === undefined) throw new TypeError(`${expression} is not in the configuration`);
    return cronPosition(fields, Date.now());
  };
}
