import { printable } from '../../shared/clean-text.ts';

export type CsvCell = string | number | boolean | null;

/**
 * A spreadsheet runs text that begins like this, and some take full-width forms for the same.
 * Where the list separator is `;` or `|`, a cell goes on in the next one after it: quotes that are
 * inside such a cell protect nothing. https://owasp.org/www-community/attacks/CSV_Injection
 */
const FORMULA = /(?<=(?:^|[;|])[\s"']*)[=+\-@＝＋－＠﹦﹢﹣﹫−]/gu;

/** One line of CSV (RFC 4180), without its end. Text is cleaned; null is an empty cell. */
export function csvLine(cells: readonly CsvCell[]): string {
  return cells.map(csvCell).join(',');
}

function csvCell(cell: CsvCell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  const text = printable(cell, MAX_CELL).replace(FORMULA, "'$&").slice(0, MAX_CELL);
  return /[",;|]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const MAX_CELL = 32_000;
