import { printable } from '../../shared/clean-text.ts';

export type CsvCell = string | number | boolean | null;

/** A spreadsheet runs text that begins like this. https://owasp.org/www-community/attacks/CSV_Injection */
const FORMULA = /^[=+\-@]/;

/** One line of CSV (RFC 4180), without its end. Text is cleaned; null is an empty cell. */
export function csvLine(cells: readonly CsvCell[]): string {
  return cells.map(csvCell).join(',');
}

function csvCell(cell: CsvCell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  const clean = printable(cell, MAX_CELL);
  const text = FORMULA.test(clean) ? `'${clean}` : clean;
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const MAX_CELL = 32_000;
