import { CodedError } from '../../../shared/coded-error.ts';
import { duration } from '../../../shared/duration.ts';

/** Shares of hosts are basis points, 1/100 percent, because signed metadata has no fractions. */
export const ALL = 10_000;

/** A later share of a schedule. `mm rollout step` applies it after that time. */
export interface Step {
  readonly bp: number;
  /** Counted from the beginning of the share before it. */
  readonly afterSeconds: number;
}

export interface Schedule {
  readonly first: number;
  readonly steps: readonly Step[];
}

const MAX_STEPS = 50;
/** A longer time is a typing mistake. */
const Wait = duration({ max: '365d' });

/** `5`, `5%`, `0.25%`. Throws USAGE unless it is above 0 and at most 100 percent. */
export function parsePercent(text: string, option: string, example = '5%'): number {
  const [, number] = /^(\d{1,3}(?:\.\d{1,2})?) ?%?$/.exec(text.trim()) ?? [];
  const bp = Math.round(Number(number ?? Number.NaN) * 100);
  if (bp >= 1 && bp <= ALL) return bp;
  const found = JSON.stringify(text);
  throw new CodedError(`${option}: expected a percentage from 0.01 to 100, found ${found}`, {
    code: 'USAGE',
    next: `${option} ${example}`,
  });
}

const OPTION = '--schedule';
const EXAMPLE = '"5% 1h, 25% 4h, 100%"';

/**
 * `5% 1h, 25% 4h, 100%`: shares that grow, each but the last with the time until the next one.
 * Throws USAGE, about the first share that is wrong.
 */
export function parseSchedule(text: string): Schedule {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length > MAX_STEPS) throw refused(`at most ${MAX_STEPS} shares`, `${parts.length}`);
  const shares: number[] = [];
  const times: number[] = [];
  for (const [index, part] of parts.entries()) {
    const [, share = '', time = ''] = /^([^\s%]*(?: ?%)?)\s*(.*)$/.exec(part) ?? [];
    const bp = parsePercent(share, OPTION, EXAMPLE);
    const before = shares.at(-1) ?? 0;
    if (bp <= before) throw refused(`more than ${percentOf(before)}, the share before`, share);
    shares.push(bp);
    if (index < parts.length - 1) times.push(parseTime(time, part));
    else if (time !== '') throw refused('no time after the last share', JSON.stringify(part));
  }
  const [first = ALL, ...later] = shares;
  return { first, steps: later.map((bp, index) => ({ bp, afterSeconds: times[index] ?? 0 })) };
}

function parseTime(time: string, part: string): number {
  const { data } = Wait.safeParse(time);
  if (data !== undefined) return data.seconds;
  throw refused(
    'a time such as 30m, 4h or 2d, at most 365d, before the next share',
    JSON.stringify(part),
  );
}

function refused(expected: string, found: string): CodedError {
  return new CodedError(`${OPTION}: expected ${expected}, found ${found}`, {
    code: 'USAGE',
    next: `${OPTION} ${EXAMPLE}`,
  });
}

/** `25 %`, `0.5 %`. */
export function percentOf(bp: number): string {
  return `${bp / 100} %`;
}
