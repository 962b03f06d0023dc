import * as z from 'zod';
import { duration } from '../../shared/duration.ts';
import { nextMatch } from '../core/cron/next-match.ts';
import type { ApplyWindow } from '../core/when/apply-window.ts';
import { parseCron } from './parse-cron.ts';

/* The keys that decide when the agent polls and runs. See docs/agent.md. */

/**
 * Stays text; `mm-agent --settings` gives it to the daemon in parsed form. Refuses an expression
 * that never matches.
 */
const CronExpression = z.string().superRefine((text, context) => {
  const problem = cronProblem(text);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

const ApplySchedule = z.string().superRefine((text, context) => {
  const problem = text === 'never' || text === 'boot' ? undefined : cronProblem(text);
  const message = `${problem}; or "never", or "boot"`;
  if (problem !== undefined) context.addIssue({ code: 'custom', message });
});

function cronProblem(text: string): string | undefined {
  try {
    nextMatch(parseCron(text), 0);
    return undefined;
  } catch (error) {
    const why = (error as Error).message;
    return `expected a cron expression as in crontab(5), for example "*/5 * * * *": ${why}`;
  }
}

export const Schedule = z.strictObject({
  poll: CronExpression.default('*/5 * * * *').describe(
    'When to poll the bucket: a cron expression as in crontab(5), in local time. Each host adds its own fixed delay.',
  ),
  apply: ApplySchedule.default('*/30 * * * *').describe(
    'When to run Puppet without a new release: a cron expression, `boot` (once after each boot of the machine) or `never`. A new release runs at once. See [agent.md](agent.md#when-it-runs).',
  ),
});

export const Retry = z
  .strictObject({
    after: duration({ min: '1m', max: '1d' })
      .prefault('10m')
      .describe(
        'When to try a failed run again. The pause doubles with each try, up to a day. A run that the schedule starts earlier counts as a try.',
      ),
    times: z
      .int()
      .min(0)
      .max(100)
      .default(5)
      .describe('How many times to try it again. 0: not before the schedule.'),
  })
  .prefault({});

export const Jitter = duration({ min: '0s', max: '1h' })
  .optional()
  .describe(
    'A run that the daemon starts waits for a random time up to this, for example `2m`. A run by hand never waits. Left out: none.',
  );

export const DeferOn = z
  .array(z.enum(['battery', 'metered']))
  .default([])
  .describe(
    'On a Mac: what defers the runs of the daemon, `[battery, metered]`. See [agent.md](agent.md#when-a-mac-is-on-battery-power). No effect on Linux.',
  );

export const DeferLimit = duration({ min: '10m', max: '30d' })
  .prefault('1d')
  .describe('After this time a deferred run begins in any case.');

export const WaitForNetwork = duration({ min: '0s', max: '10m' })
  .prefault('1m')
  .describe(
    'How long the daemon waits for a network after its start, and after the machine has slept, before it polls and runs.',
  );

/** As the weekday of a cron expression. */
const Weekdays = z.string().transform((text, context): readonly number[] => {
  try {
    const { weekdays } = parseCron(`0 0 * * ${text.replaceAll(/\s*,\s*/g, ',')}`);
    const days = weekdays.filter((day) => typeof day === 'number');
    if (days.length === weekdays.length) return days;
  } catch {
    // Reported below.
  }
  context.addIssue({
    code: 'custom',
    message: 'expected weekdays, for example "mon-thu" or "tue,fri"',
  });
  return z.NEVER;
});

/** In minutes since midnight. */
const TimeRange = z.string().transform((text, context): { from: number; to: number } => {
  const [, fromHour, fromMinute, toHour, toMinute] =
    /^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)$/.exec(text) ?? [];
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const to = Number(toHour) * 60 + Number(toMinute);
  if (to <= 24 * 60 && from !== to) return { from, to };
  const message = 'expected a time range, for example "09:00-17:00" or "22:00-05:00"';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const FreezeDates = z.string().transform((text, context): { from: string; to: string } => {
  const [from = '', to = from, ...rest] = text.split('/');
  if (rest.length === 0 && isDate(from) && isDate(to) && from <= to) return { from, to };
  const message = 'expected a date or two, for example "2026-12-24" or "2026-12-20/2027-01-06"';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

function isDate(text: string): boolean {
  const at = new Date(text);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(`${text}T00:00:00`);
}

const Zone = z.string().refine(isZone, 'expected a time zone, for example "Europe/Berlin"');

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

export const ApplyWindowKeys = z
  .strictObject({
    weekdays: Weekdays.prefault('sun-sat').describe(
      'Days on which the window opens, for example `mon-thu` or `tue,fri`. Outside of the window a run is noop. See [agent.md](agent.md#only-in-a-window).',
    ),
    time: TimeRange.prefault('00:00-24:00').describe(
      'For example `22:00-05:00`, which ends on the next day.',
    ),
    zone: Zone.optional().describe(
      'Time zone, for example `Europe/Berlin`. Left out: that of the host.',
    ),
    freeze: z
      .array(FreezeDates)
      .max(100)
      .default([])
      .describe(
        'Dates on which the window stays closed, for example `[2026-12-24, 2026-12-31/2027-01-06]`.',
      ),
  })
  .transform(({ weekdays: days, ...others }): ApplyWindow => ({ days, ...others }))
  .optional();
