/**
 * One line that is safe on a terminal, whoever wrote it: no control or format characters, nothing that reorders the
 * line, no half surrogates; cut with "..." at `max` characters.
 */
export function printable(text: string, max = 2000): string {
  const clean = text
    .slice(0, 2 * max)
    .toWellFormed()
    .replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return clean.length > max ? `${clean.slice(0, max - 3).toWellFormed()}...` : clean;
}

/** A table in plain text: columns as wide as their widest cell, two spaces between, nothing behind the last. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
