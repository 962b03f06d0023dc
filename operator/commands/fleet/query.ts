import { resolve } from 'node:path';
import { printable } from '../../../shared/clean-text.ts';
import { counted } from '../../../shared/counted.ts';
import type { Answer, CommonOptions, Context, ListAnswer } from '../../context.ts';
import { replacePrivateFile } from '../../files/replace-private-file.ts';
import { parquetFile } from '../../fleet/parquet.ts';
import { type Cell, openQuery } from '../../fleet/query.ts';
import { csvLine } from '../../hosts/csv.ts';
import type { InstanceOptions } from '../../hosts/instances.ts';
import { longTable } from '../../table.ts';
import type { FleetParquetAnswer } from './fleet-answers.ts';
import { storeFile, withStore } from './open-store.ts';

export interface FleetQueryOptions extends CommonOptions, InstanceOptions {
  readonly csv?: boolean | undefined;
  /** Writes the rows to this file instead of printing them: all of them without `limit`. */
  readonly parquet?: string | undefined;
  /** Most rows that are printed. */
  readonly limit?: number | undefined;
}

type Row = Readonly<Record<string, Cell>>;

const DEFAULT_LIMIT = 10_000;
const MAX_CELL = 300;

/** `mm fleet query`: asks the copy in SQL. Throws USAGE, STATE_MISSING. */
export async function fleetQuery(
  context: Context,
  sql: string,
  options: FleetQueryOptions,
  print: (answer: ListAnswer<Row>) => Promise<void>,
): Promise<void> {
  const { limit = DEFAULT_LIMIT, csv } = options;
  await withStore(context, options, async ({ config, instances, syncedAt }) => {
    const query = openQuery(storeFile(config), sql, { now: () => context.now(), instances });
    let isMore = false;
    const { columns } = query;
    async function* entries(): AsyncGenerator<Row> {
      let count = 0;
      for (const row of query.rows()) {
        isMore = count === limit;
        if (isMore) return;
        count += 1;
        yield Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null]));
      }
    }
    try {
      await print({
        head: {
          ...{ schemaVersion: 1, bucket: config.bucket, tree: config.tree },
          syncedAt: new Date(syncedAt).toISOString(),
          columns,
        },
        name: 'rows',
        entries: entries(),
        lines: (rows) =>
          csv === true ? csvLines(columns, rows) : tableLines(columns, rows, context),
        isJudged: false,
        end: () => ({
          document: { isMore },
          notices: isMore
            ? [`there are more than ${counted(limit, 'row')}: --limit shows more`]
            : [],
        }),
      });
    } finally {
      query.close();
    }
  });
}

/** `mm fleet query --parquet`: the rows as a file. Throws USAGE, STATE_MISSING, FILE_FAILED. */
export async function fleetParquet(
  context: Context,
  sql: string,
  { parquet = '', limit = Number.POSITIVE_INFINITY, ...options }: FleetQueryOptions,
): Promise<Answer> {
  return await withStore(context, options, async ({ config, instances, syncedAt }) => {
    const query = openQuery(storeFile(config), sql, { now: () => context.now(), instances });
    const file = resolve(context.cwd, parquet);
    function* rows(): Generator<readonly Cell[]> {
      let count = 0;
      for (const row of query.rows()) {
        if (count === limit) return;
        count += 1;
        yield row;
      }
    }
    try {
      const { columns } = query;
      const { bytes, count } = parquetFile({ columns, rows });
      // As private as the copy: it has errors of runs.
      replacePrivateFile(file, bytes);
      const document: FleetParquetAnswer = {
        ...{ schemaVersion: 1, bucket: config.bucket, tree: config.tree },
        syncedAt: new Date(syncedAt).toISOString(),
        ...{ columns: [...columns], rows: count, bytes: bytes.byteLength, file },
      };
      const size = `${(bytes.byteLength / 1e6).toFixed(2)} MB`;
      return { document, lines: [`${file}: ${counted(count, 'row')}, ${size}`] };
    } finally {
      query.close();
    }
  });
}

async function* csvLines(
  columns: readonly string[],
  rows: AsyncIterable<Row>,
): AsyncGenerator<string> {
  yield csvLine(columns);
  for await (const row of rows) yield csvLine(columns.map((name) => row[name] ?? null));
}

async function* tableLines(
  columns: readonly string[],
  rows: AsyncIterable<Row>,
  context: Pick<Context, 'columns'>,
): AsyncGenerator<string> {
  async function* cells(): AsyncGenerator<string[]> {
    for await (const row of rows)
      yield columns.map((name) => printable(String(row[name] ?? ''), MAX_CELL));
  }
  yield* longTable(
    columns.map((name) => printable(name, MAX_CELL)),
    cells(),
    context.columns,
  );
}
