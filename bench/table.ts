import { type Figure, type Group, holds, isMissing, judged, type Mark, type Row } from './rows.ts';
import { middleHalf } from './statistics.ts';

const HEAD = ['', 'ours', 'theirs', 'ratio', 'middle half', 'n', 'mark'] as const;
type Cells = readonly [string, string, string, string, string, string, string];

/** For a terminal: one line per row, with aligned columns. */
export function textTable(groups: readonly Group[]): string {
  const cells = groups.flatMap(({ rows }) => rows.filter((row) => !isMissing(row)).map(cellsOf));
  const widths = HEAD.map((name, column) =>
    Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 || column === 6 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  return groups
    .map(({ title, rows }, index) => {
      const head = index === 0 ? [line(HEAD)] : [''];
      const body = rows.map((row) =>
        isMissing(row)
          ? `${row.what}: ${row.isFailure ? 'FAILED: ' : ''}${row.why}`
          : line(cellsOf(row)),
      );
      return [...head, title, ...body].join('\n');
    })
    .join('\n');
}

/** For a page: one Markdown table per group. */
export function markdownTables(groups: readonly Group[]): string {
  return groups
    .map(({ title, rows }) => {
      const body = rows.map((row) =>
        markdownLine(isMissing(row) ? missingCells(row) : cellsOf(row)),
      );
      return [
        `### ${title}`,
        '',
        markdownLine(HEAD),
        markdownLine(HEAD.map(() => '---')),
        ...body,
      ].join('\n');
    })
    .join('\n\n');
}

function markdownLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function missingCells({ what, why, isFailure }: Extract<Row, { why: string }>): Cells {
  return [what, '', '', '', '', '', isFailure ? `FAILED: ${why.split('\n')[0]}` : why];
}

function cellsOf(row: Row): Cells {
  if (isMissing(row)) return missingCells(row);
  const { what, unit, ours, theirs, ratios, samples, marks } = row;
  return [
    what,
    amount(ours, unit),
    theirs === undefined ? '' : amount(theirs, unit),
    ratios === undefined ? '' : judged(row).toFixed(2),
    ratios === undefined || ratios.length < 2
      ? ''
      : middleHalf(ratios)
          .map((ratio) => ratio.toFixed(2))
          .join('-'),
    String(samples),
    marks.map((mark) => verdict(mark, row)).join(', '),
  ];
}

function verdict(mark: Mark, row: Figure): string {
  const sign = { 'at most': '<=', below: '<', exactly: '=' }[mark.is];
  return `${sign} ${mark.value} ${holds(mark, judged(row)) ? 'ok' : 'MISSED'}`;
}

/** Three significant digits, at most two after the point. */
function amount(value: number, unit: Figure['unit']): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const number = value.toLocaleString('en', { maximumFractionDigits: digits });
  if (unit === '$') return `$${value.toFixed(2)}`;
  return unit === '' ? number : `${number} ${unit}`;
}
