import { ByteWriter, parquetWriteRows } from 'hyparquet-writer';
import type { Cell } from './query.ts';

/** Rows as they come: they are read twice, so that only a part of them is in memory. */
export interface ParquetSource {
  readonly columns: readonly string[];
  /** Of columns whose type does not depend on the rows. A cell of another type becomes null. */
  readonly types?: Readonly<Record<string, ColumnType>> | undefined;
  rows(): Iterable<readonly Cell[]>;
}

export type ColumnType = 'INT64' | 'DOUBLE' | 'STRING';

/** Rows of one group, all of which are in memory. */
const GROUP = 3000;

/**
 * A Parquet file, and how many rows it has. SQLite has no types for columns: a column of whole
 * numbers becomes INT64, one of numbers DOUBLE, and any other STRING.
 */
export function parquetFile({ columns, types: fixed = {}, rows }: ParquetSource): {
  readonly bytes: Uint8Array;
  readonly count: number;
} {
  const all = columns.map((name) => fixed[name]);
  const types = all.includes(undefined) ? typesOf(all, rows()) : all;
  let count = 0;
  function* objects(): Generator<Record<string, unknown>> {
    for (const row of rows()) {
      count += 1;
      const cells = columns.map((name, at) => [name, cellAs(row[at] ?? null, types[at])]);
      yield Object.fromEntries(cells);
    }
  }
  const writer = new ByteWriter();
  // With an iterable and a writer in memory it returns nothing to wait for.
  void parquetWriteRows({
    writer,
    rows: objects(),
    columns: columns.map((name, at) => ({ name, type: types[at] ?? 'STRING', nullable: true })),
    rowGroupSize: GROUP,
    createdBy: 'miyamoto',
  });
  return { bytes: writer.getBytes(), count };
}

function typesOf(
  fixed: readonly (ColumnType | undefined)[],
  rows: Iterable<readonly Cell[]>,
): ColumnType[] {
  const types = [...fixed];
  for (const row of rows) {
    for (let at = 0; at < fixed.length; at++) {
      const cell = row[at] ?? null;
      if (cell === null || types[at] === 'STRING' || fixed[at] !== undefined) continue;
      if (typeof cell === 'string') types[at] = 'STRING';
      else if (!Number.isSafeInteger(cell)) types[at] = 'DOUBLE';
      else types[at] ??= 'INT64';
    }
  }
  return types.map((type) => type ?? 'STRING');
}

function cellAs(cell: Cell, type: ColumnType | undefined): Cell | bigint {
  if (cell === null) return null;
  if (type === 'STRING') return String(cell);
  if (type === 'INT64') return Number.isSafeInteger(cell) ? BigInt(cell) : null;
  return typeof cell === 'number' ? cell : null;
}
