import { median } from './statistics.ts';

/** The results, in groups, for the table, the page and the JSON document. */
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
  /** Ours ÷ theirs of each pair; the median is what is judged. */
  readonly ratios?: readonly number[];
  /** Number of samples. */
  readonly samples: number;
  /** Marks for the ratio where there is one, otherwise for our figure. */
  readonly marks: readonly Mark[];
}

/** MB and kB are powers of 1,000. `of 1` is a share. */
export type Unit = 's' | 'ms' | 'MB' | 'kB' | 'B' | '$' | 'req/s' | 'agents' | 'of 1' | '';

export interface Mark {
  readonly is: 'at most' | 'below' | 'exactly';
  readonly value: number;
}

export interface Missing {
  readonly what: string;
  readonly why: string;
  /** True: it should have been possible to measure it. */
  readonly isFailure: boolean;
}

export function isMissing(row: Row): row is Missing {
  return 'why' in row;
}

/** The number that is compared with the marks. */
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

/** A row with one figure of ours, the median of its samples. */
export function figure(
  what: string,
  unit: Unit,
  samples: readonly number[],
  ...marks: readonly Mark[]
): Row {
  if (samples.length === 0) return { what, why: 'no sample was taken', isFailure: true };
  return { what, unit, ours: median(samples), samples: samples.length, marks };
}

/** The rows of a part of the benchmark, or one row that says why it has no figures. */
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
