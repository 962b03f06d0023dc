import type { StatementSync } from 'node:sqlite';
import { messageOf } from '../../shared/clean-text.ts';
import { CodedError } from '../../shared/coded-error.ts';
import type { Instances } from '../hosts/instances.ts';
import { defineTerminated } from './host-state.ts';
import { VIEWS } from './views.ts';

/** A cell of an answer. A whole number that is too large for a number is text. */
export type Cell = string | number | null;

export interface Query {
  readonly columns: readonly string[];
  /** Throws USAGE for an error of SQL at this row, and when the query needs too long. */
  rows(): Generator<readonly Cell[]>;
  close(): void;
}

export interface QueryFrame {
  readonly now: () => number;
  /** Of `--instances`. */
  readonly instances: Instances | undefined;
}

/** In ms. Longer than any useful question about 300,000 hosts. */
const MAX_MS = 60_000;
/** Rows between two looks at the clock. */
const ROWS_PER_LOOK = 1000;

/**
 * Prepares a statement that only reads the views of the store. The file is opened read-only, and
 * SQLite asks this code about each table, function and action of the statement. Throws USAGE.
 */
export function openQuery(path: string, sql: string, { now, instances }: QueryFrame): Query {
  const { DatabaseSync, constants } = process.getBuiltinModule('node:sqlite');
  const database = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
  let denied: string | undefined;
  try {
    const endsAt = now() + MAX_MS;
    let looked = 0;
    database.function('mm_in_time', { varargs: true }, () => {
      looked += 1;
      if (looked % ROWS_PER_LOOK === 0 && now() > endsAt) throw new Error(TOO_LONG);
      return 1;
    });
    defineTerminated(database, instances);
    database.exec(VIEWS);
    database.setAuthorizer((action, name, column, _database, view) => {
      const isAllowed =
        action === constants.SQLITE_SELECT ||
        (action === constants.SQLITE_FUNCTION &&
          !/^(load_extension|fts3_tok)/i.test(column ?? '')) ||
        // The views read the tables. The name of a WITH arrives as that of a view does.
        (action === constants.SQLITE_READ &&
          (VIEW_NAMES.has(view ?? '') || !isInternal(name ?? '')));
      if (!isAllowed) denied ??= name ?? 'recursion';
      return isAllowed ? constants.SQLITE_OK : constants.SQLITE_DENY;
    });
    const statement = database.prepare(sql);
    const more = sql.slice(statement.sourceSQL.length).trim();
    if (more !== '') throw new Error(`expected one statement, found another: ${more}`);
    const columns = statement.columns().map(({ name }) => name);
    const twice = columns.find((name, at) => columns.indexOf(name) !== at);
    if (twice !== undefined) throw new Error(`two columns are named ${twice}: use AS`);
    return { columns, rows: () => rowsOf(statement), close: () => database.close() };
  } catch (error) {
    database.close();
    throw wrong(error, denied);
  }
}

const TOO_LONG = `it needs more than ${MAX_MS / 1000} s`;

const VIEW_NAMES: ReadonlySet<string> = new Set(
  [...VIEWS.matchAll(/VIEW (\w+)/g)].map(([, name = '']) => name),
);
const INTERNAL: ReadonlySet<string> = new Set(['host', 'document', 'failedresource', 'sync']);

function isInternal(table: string): boolean {
  return INTERNAL.has(table.toLowerCase()) || /^(sqlite|pragma)_/i.test(table);
}

function* rowsOf(statement: StatementSync): Generator<readonly Cell[]> {
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  try {
    for (const row of statement.iterate() as Iterable<unknown>) {
      yield (row as readonly unknown[]).map(cellOf);
    }
  } catch (error) {
    throw wrong(error, undefined);
  }
}

function cellOf(value: unknown): Cell {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  const whole = Number(value);
  return Number.isSafeInteger(whole) ? whole : String(value);
}

/** Errors of the file itself are passed on: see `withStoreErrors`. */
function wrong(error: unknown, denied: string | undefined): unknown {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 255 : 1;
  // SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_MISMATCH, SQLITE_AUTH.
  if (![1, 18, 20, 23].includes(code)) return error;
  const why = denied === undefined ? messageOf(error, 500) : `${denied} may not be used`;
  return new CodedError(`the query cannot be answered: ${why}`, {
    code: 'USAGE',
    next: 'one SELECT over hosts, facts, host_groups, failed_resources, changed_resources, unreadable and last_sync: docs/fleet.md',
    cause: error,
  });
}
