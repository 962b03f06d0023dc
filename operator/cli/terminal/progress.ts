import { counted } from '../../../shared/counted.ts';
import type { Progress, ProgressWork, ShowProgress } from '../../repository/progress.ts';

/** Where progress is shown. */
export interface ProgressPlace {
  /** Undefined: the place is no terminal, and progress is shown in lines. */
  readonly terminal:
    | { readonly columns?: number | undefined; write(text: string): unknown }
    | undefined;
  /** Writes a line. */
  notice(line: string): void;
  /** Milliseconds since 1970. */
  now(): number;
}

/** The first bar is shown after this time, so that short work shows nothing. */
const FIRST_BAR_MS = 500;
const BETWEEN_BARS_MS = 100;
/** The log of a job is read later, line by line. */
const BETWEEN_LINES_MS = 10_000;
const BAR_COLUMNS = 20;
const DEFAULT_COLUMNS = 80;

/** Shows the progress of one task at a time: as a bar on a terminal, otherwise in a few lines. */
export class ProgressDisplay {
  readonly #place: ProgressPlace;
  #isShown = false;

  constructor(place: ProgressPlace) {
    this.#place = place;
  }

  readonly show: ShowProgress = (work) => {
    const { terminal, now, notice } = this.#place;
    const startedAt = now();
    let nextAt = startedAt + (terminal === undefined ? BETWEEN_LINES_MS : FIRST_BAR_MS);
    return {
      at: (done, total) => {
        const at = now();
        if (at < nextAt) return;
        const state = { ...work, done, total, seconds: (at - startedAt) / 1000 };
        if (terminal === undefined) notice(lineOf(state));
        else this.#draw(barOf(state), terminal);
        nextAt = at + (terminal === undefined ? BETWEEN_LINES_MS : BETWEEN_BARS_MS);
      },
      [Symbol.dispose]: () => this.clear(),
    } satisfies Progress;
  };

  /** Returns a function that removes the bar before it writes. */
  withoutBar(write: (text: string) => void): (text: string) => void {
    return (text) => {
      this.clear();
      write(text);
    };
  }

  /** Removes the bar. Must be called before anything else is written to the terminal. */
  clear(): void {
    if (this.#isShown) this.#place.terminal?.write('\r\x1b[K');
    this.#isShown = false;
  }

  #draw(bar: string, terminal: NonNullable<ProgressPlace['terminal']>): void {
    // A line as wide as the terminal would continue on the next one.
    terminal.write(`\r\x1b[K${bar.slice(0, (terminal.columns || DEFAULT_COLUMNS) - 1)}`);
    this.#isShown = true;
  }
}

/**
 * Whether a bar can be drawn: on a terminal that can erase a line, for a person. `CI` is set by the
 * services that run jobs, some of which have a terminal.
 */
export function canDrawBars(
  { isTTY }: { readonly isTTY?: boolean | undefined },
  { TERM, CI = '' }: Readonly<NodeJS.ProcessEnv>,
): boolean {
  return isTTY === true && TERM !== 'dumb' && TERM !== undefined && /^(0|false)?$/i.test(CI);
}

interface State extends ProgressWork {
  readonly done: number;
  readonly total: number;
  /** Since the work began. */
  readonly seconds: number;
}

function barOf(state: State): string {
  const filled = Math.round(BAR_COLUMNS * shareOf(state));
  const bar = `[${'='.repeat(filled).padEnd(BAR_COLUMNS)}]`;
  const { done, total, seconds } = state;
  const rest = done > 0 ? [`${clockOf(((total - done) * seconds) / done)} left`] : [];
  return [state.what, bar, percentOf(state), amountOf(state), ...rest].join('  ');
}

function lineOf(state: State): string {
  return `${state.what}: ${percentOf(state)}, ${amountOf(state)}`;
}

function percentOf(state: State): string {
  return `${Math.floor(100 * shareOf(state))} %`;
}

function shareOf({ done, total }: State): number {
  return total > 0 ? Math.min(1, done / total) : 1;
}

function amountOf({ unit, done, total }: State): string {
  if (unit !== 'byte') return `${done} of ${counted(total, unit)}`;
  const [some, all] = [done, total].map((bytes) => (bytes / 1e6).toFixed(1));
  return `${some} of ${all} MB`;
}

/** `1:05`. */
function clockOf(seconds: number): string {
  const whole = Math.ceil(Math.max(0, seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
