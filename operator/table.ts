import { printable } from '../shared/clean-text.ts';

/**
 * A table in plain text: columns as wide as their widest cell, two spaces between them, no trailing
 * spaces.
 */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = widthsOf(rows);
  return rows.map((row) => tableLine(row, widths));
}

/** Rows that are read before the first one is printed. They set the widths of the columns. */
const MEASURED_ROWS = 100;

/**
 * A table with any number of rows, printed while they are read. A later cell that is too wide moves
 * the rest of its row. Lines are cut at `columns`, the width of the terminal.
 */
export async function* longTable(
  header: readonly string[],
  rows: AsyncIterable<readonly string[]>,
  columns = Number.POSITIVE_INFINITY,
): AsyncGenerator<string> {
  let first: (readonly string[])[] = [header];
  let widths: readonly number[] | undefined;
  for await (const row of rows) {
    if (widths !== undefined) {
      yield printable(tableLine(row, widths), columns);
      continue;
    }
    first.push(row);
    if (first.length <= MEASURED_ROWS) continue;
    widths = widthsOf(first);
    for (const each of first) yield printable(tableLine(each, widths), columns);
    first = [];
  }
  // Without a row there is no header.
  if (first.length > 1) {
    for (const line of table(first)) yield printable(line, columns);
  }
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  return widths;
}

function tableLine(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, column) => cell.padEnd(widths[column] ?? 0))
    .join('  ')
    .trimEnd();
}
