import { CodedError } from '../../../shared/coded-error.ts';
import { Duration } from '../../../shared/duration.ts';

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

/** `5`, `5%`, `0.25%`. Throws USAGE unless it is above 0 and at most 100 percent. */
export function parsePercent(text: string, option: string): number {
  const [, number] = /^(\d{1,3}(?:\.\d{1,2})?) ?%?$/.exec(text.trim()) ?? [];
  const bp = Math.round(Number(number ?? Number.NaN) * 100);
  if (bp >= 1 && bp <= ALL) return bp;
  throw new CodedError(
    `${option}: expected a percentage from 0.01 to 100, found ${JSON.stringify(text)}`,
    { code: 'USAGE', next: `${option} 5%` },
  );
}

/** `5% 1h, 25% 4h, 100%`: shares that grow, each with the time until the next one. Throws USAGE. */
export function parseSchedule(text: string): Schedule {
  const parts = text.split(',').map((part) => part.trim().split(/\s+/));
  const shares = parts.map(([percent = '']) => parsePercent(percent, '--schedule'));
  const isGrowing = shares.every((bp, index) => bp > (shares[index - 1] ?? 0));
  const times = parts.slice(0, -1).map(([, time]) => Duration.safeParse(time));
  const isComplete =
    parts.length <= MAX_STEPS &&
    parts.every((part, index) => part.length === (index === parts.length - 1 ? 1 : 2)) &&
    times.every(({ success }) => success);
  const [first] = shares;
  if (!isGrowing || !isComplete || first === undefined) {
    throw new CodedError(
      `--schedule: expected shares that grow, each but the last with the time until the next, found ${JSON.stringify(text)}`,
      { code: 'USAGE', next: '--schedule "5% 1h, 25% 4h, 100%"' },
    );
  }
  const steps = shares.slice(1).map((bp, index) => ({
    bp,
    afterSeconds: times[index]?.data?.seconds ?? 0,
  }));
  return { first, steps };
}

/** `25 %`, `0.5 %`. */
export function percentOf(bp: number): string {
  return `${bp / 100} %`;
}
