import { CodedError } from '../coded-error.ts';
import { fileProblem } from '../file-problem.ts';

/** One thing that a doctor looked at. */
export interface Check {
  readonly name: string;
  readonly outcome: Outcome;
  /** What was found. */
  readonly message: string;
  /** The command to try; null when nothing is wrong. */
  readonly next: string | null;
}

export type Outcome = 'ok' | 'warning' | 'failed';

/** What a check found. The outcome is ok when it is left out. */
export interface Seen<T> {
  readonly value: T;
  readonly message: string;
  readonly outcome?: Outcome;
  readonly next?: string;
}

/**
 * Runs a check and adds its result. An error with a code, or of the system, becomes a failed check.
 * Any other error is a defect and is thrown. Returns the value of the check; undefined when it
 * failed.
 */
export async function tried<T>(
  checks: Check[],
  name: string,
  work: () => Seen<T> | Promise<Seen<T>>,
): Promise<T | undefined> {
  try {
    const { value, message, outcome = 'ok', next = null } = await work();
    checks.push({ name, outcome, message, next });
    return value;
  } catch (error) {
    const { message, next } = problemOf(error);
    checks.push({ name, outcome: 'failed', message, next });
    return undefined;
  }
}

/** Throws the error itself when it is a defect. */
function problemOf(error: unknown): Pick<Check, 'message' | 'next'> {
  if (error instanceof CodedError) {
    const { code, message, next = null } = error;
    return { message: `${code}: ${message}`, next };
  }
  if (!(error instanceof Error && 'errno' in error)) throw error;
  const { path } = error as NodeJS.ErrnoException;
  if (path === undefined) return { message: error.message, next: null };
  const { why, next } = fileProblem(path, error);
  return { message: why, next };
}

/** The worst outcome of all. */
export function worst(checks: readonly Pick<Check, 'outcome'>[]): Outcome {
  if (checks.some(({ outcome }) => outcome === 'failed')) return 'failed';
  return checks.some(({ outcome }) => outcome === 'warning') ? 'warning' : 'ok';
}

/** A check as text, under another name than in JSON if one is given. */
export function checkLines({ name, outcome, message, next }: Check, title = name): string[] {
  const line = `${outcome.padEnd(7)}  ${title}: ${message}`;
  return outcome === 'ok' || next === null ? [line] : [line, `         next: ${next}`];
}
