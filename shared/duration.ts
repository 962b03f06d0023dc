import * as z from 'zod';

/** A length of time as config files write it (`90`, `10s`, `30m`, `1h`, `2d`), in seconds. */
export interface Duration {
  readonly seconds: number;
}

const SECONDS_PER_UNIT = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/**
 * Schema of a duration: a string such as `30m`, or a number of seconds; whole seconds. `min` and
 * `max` are durations and are allowed themselves. `min` is `1s` by default, because 0 is always a
 * mistake. In a schema, set a default with `.prefault('1h')`.
 */
export function duration({ min = '1s', max }: { readonly min?: string; readonly max?: string }) {
  const atMost = max === undefined ? '' : `, at most ${max}`;
  const error = `expected a duration such as 30s, 10m, 1h or 2d, at least ${min}${atMost}`;
  const minSeconds = parseSeconds(min);
  const maxSeconds = max === undefined ? Number.MAX_SAFE_INTEGER : parseSeconds(max);
  return z
    .union([z.string(), z.number()], { error })
    .transform((value, context): Duration => {
      const seconds = parseSeconds(value);
      if (seconds >= minSeconds && seconds <= maxSeconds) return { seconds };
      context.issues.push({ code: 'custom', message: error, input: value });
      return z.NEVER;
    })
    .meta({ type: 'duration' });
}

/** Any duration of a second or more. A date can be that far away. */
export const Duration = duration({ max: '36500d' });

/** NaN for text that is not a duration: every range check refuses NaN. */
function parseSeconds(value: string | number): number {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : Number.NaN;
  const parts = /^(\d{1,9})([smhd]?)$/.exec(value);
  if (parts === null) return Number.NaN;
  const unit = (parts[2] || 's') as keyof typeof SECONDS_PER_UNIT;
  return Number(parts[1]) * SECONDS_PER_UNIT[unit];
}
