import { CodedError } from '../../shared/coded-error.ts';

/** `--fail-over`: how many hosts may be bad, as a share (`1%`, `0.5%`) or as a number (`5`). */
export interface Gate {
  readonly text: string;
  readonly limit: number;
  readonly isPercent: boolean;
}

/** Throws USAGE. */
export function parseGate(text: string): Gate {
  const [, number, percent] = /^(\d{1,6}(?:\.\d{1,3})?)(%?)$/.exec(text) ?? [];
  const limit = Number(number);
  const isPercent = percent === '%';
  const isValid = isPercent ? limit <= 100 : Number.isInteger(limit);
  if (number !== undefined && isValid) return { text, limit, isPercent };
  throw new CodedError(`--fail-over ${JSON.stringify(text)}: expected 1% or a number of hosts`, {
    code: 'USAGE',
    next: 'for example --fail-over 1%, or --fail-over 0 for no bad host at all',
  });
}

/** Hosts that a gate judges. */
export interface Judged {
  /** Hosts that can be read and meet every condition. */
  readonly matching: number;
  readonly unreadable: number;
  /** Of both: every unreadable one is bad. */
  readonly bad: number;
}

/** Without a matching host it does not pass: a gate must not succeed because nothing was found. */
export function passes({ limit, isPercent }: Gate, { matching, unreadable, bad }: Judged): boolean {
  if (matching === 0) return false;
  return isPercent ? bad * 100 <= limit * (matching + unreadable) : bad <= limit;
}
