import { createTask } from 'node-cron';
import type { CronPosition } from '../../core/schedule.ts';

/** Where a five-field cron expression stands now, by node-cron. Throws RangeError for one that never matches. */
export function calendarPosition(expression: string): CronPosition {
  const task = createTask(expression, () => undefined);
  try {
    const [next, afterNext] = task.getNextRuns(2).map((date) => date.getTime());
    if (next === undefined || afterNext === undefined) {
      throw new RangeError(`the cron expression ${expression} never matches`);
    }
    const intervalMs = afterNext - next;
    const previous = new Date(next - intervalMs);
    return { previous: task.match(previous) ? previous.getTime() : undefined, next, intervalMs };
  } finally {
    void task.destroy();
  }
}
