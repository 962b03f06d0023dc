import type { PuppetLine } from '../../../core/run/puppet-run.ts';

/**
 * How long a line waits for an equal one, and how long it waits at most while equal lines keep
 * coming. Both are in ms.
 */
const WAIT_MS = 1000;
const LONGEST_WAIT_MS = 5000;
/** A command that repeats one line for an hour must not look as if it hung. */
const REMINDER_MS = 60_000;

export interface FoldedLines {
  push(line: PuppetLine): void;
  /** Passes on a line that has waited long enough. Must be called several times a second. */
  tick(): void;
  /** Passes on what is left. */
  end(): void;
}

/**
 * Merges equal lines that follow each other into one: `... (17 times more)`. Facter prints the same
 * error for each fact that needs a file which it may not read.
 */
export function foldLines(
  onLine: (line: PuppetLine) => void,
  now: () => number = () => performance.now(),
): FoldedLines {
  let waiting: WaitingLine | undefined;
  const pass = (): void => {
    if (waiting === undefined) return;
    const { line, repeats, isPassed } = waiting;
    if (repeats > 0) onLine({ ...line, text: `${line.text} (${timesMore(repeats)})` });
    else if (!isPassed) onLine(line);
    waiting = { ...waiting, repeats: 0, isPassed: true, since: now() };
  };
  return {
    push(line) {
      if (
        waiting?.line.text === line.text &&
        waiting.line.level === line.level &&
        line.text !== ''
      ) {
        waiting = { ...waiting, repeats: waiting.repeats + 1, lastAt: now() };
        return;
      }
      pass();
      waiting = { line, repeats: 0, isPassed: false, since: now(), lastAt: now() };
    },
    tick() {
      if (waiting === undefined) return;
      const waited = now() - waiting.since;
      const isDue = waiting.isPassed
        ? waiting.repeats > 0 && waited >= REMINDER_MS
        : now() - waiting.lastAt >= WAIT_MS || waited >= LONGEST_WAIT_MS;
      if (isDue) pass();
    },
    end() {
      pass();
      waiting = undefined;
    },
  };
}

interface WaitingLine {
  readonly line: PuppetLine;
  /** Equal lines that came since this one was last passed on. */
  readonly repeats: number;
  readonly isPassed: boolean;
  readonly since: number;
  readonly lastAt: number;
}

function timesMore(repeats: number): string {
  return repeats === 1 ? 'once more' : `${repeats} times more`;
}
