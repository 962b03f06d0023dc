import { median } from './statistics.ts';

/** What was measured, in groups, as the table, the page and the JSON document show it. */
export interface Group {
  readonly title: string;
  readonly rows: readonly Row[];
}

export type Row = Figure | Missing;

export interface Figure {
  readonly what: string;
  readonly unit: Unit;
  /** A median. */
  readonly ours: number;
  readonly theirs?: number;
  /** Ours ÷ theirs of each pair; what counts is their median. */
  readonly ratios?: readonly number[];
  /** How many times it was measured. */
  readonly samples: number;
  /** About the ratio where there is one, else about our figure. */
  readonly marks: readonly Mark[];
}

/** ms, MB and kB by the thousand. `of 1` is a share. */
export type Unit = 's' | 'ms' | 'MB' | 'kB' | 'B' | '$' | 'req/s' | 'agents' | 'of 1' | '';

export interface Mark {
  readonly is: 'at most' | 'below' | 'exactly';
  readonly value: number;
}

export interface Missing {
  readonly what: string;
  readonly why: string;
  /** It should have been there to be measured. */
  readonly isFailure: boolean;
}

export function isMissing(row: Row): row is Missing {
  return 'why' in row;
}

/** What a figure is judged by. */
export function judged({ ours, ratios }: Figure): number {
  return ratios === undefined ? ours : median(ratios);
}

export function holds({ is, value }: Mark, figure: number): boolean {
  switch (is) {
    case 'at most':
      return figure <= value;
    case 'below':
      return figure < value;
    case 'exactly':
      return figure === value;
  }
}

export function atMost(value: number): Mark {
  return { is: 'at most', value };
}

export function below(value: number): Mark {
  return { is: 'below', value };
}

export function exactly(value: number): Mark {
  return { is: 'exactly', value };
}

/** One figure of ours, from all its samples. */
export function figure(
  what: string,
  unit: Unit,
  samples: readonly number[],
  ...marks: readonly Mark[]
): Row {
  if (samples.length === 0) return { what, why: 'no sample was taken', isFailure: true };
  return { what, unit, ours: median(samples), samples: samples.length, marks };
}

/** Rows that a part of the benchmark brings, or a row that says why it brings none. */
export async function rowsOf(
  what: string,
  part: () => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  try {
    return await part();
  } catch (error) {
    return [{ what, why: error instanceof Error ? error.message : String(error), isFailure: true }];
  }
}
