import { chmodSync, lstatSync, rmSync, writeFileSync } from 'node:fs';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ZodError } from 'zod';
import { CodedError, type ErrorCode } from '../../shared/coded-error.ts';
import type { Instances } from '../hosts/instances.ts';
import { defineTerminated } from './host-state.ts';
import { HostWriter, type StoredHost } from './host-writer.ts';
import { TABLES, VERSION } from './tables.ts';

/*
 * The store of `mm fleet sync`: a copy of what hosts reported, in one SQLite file beside the kept
 * state. It holds nothing that the bucket does not have, so that a damaged one is made again.
 */

/** What a store is a copy of. */
export interface CopiedPlace {
  /** The URL of S3. Undefined: AWS. */
  readonly endpoint: string | undefined;
  readonly bucket: string;
  readonly tree: string;
}

/** One open store. Every call is synchronous, as `node:sqlite` is. */
export class FleetStore implements Disposable {
  readonly database: DatabaseSync;
  readonly #hosts: HostWriter;
  readonly #same: StatementSync;

  private constructor(database: DatabaseSync, instances: Instances | undefined) {
    this.database = database;
    defineTerminated(database, instances);
    this.#hosts = new HostWriter(database);
    this.#same = database.prepare('SELECT 1 FROM host WHERE file = ? AND etag = ?');
  }

  /** Opens the store for `mm fleet sync`. Calls `onNew` when it begins without a copy. */
  static open(
    path: string,
    place: CopiedPlace,
    {
      onNew,
      instances,
    }: { readonly onNew: () => void; readonly instances?: Instances | undefined },
  ): FleetStore {
    const sqlite = process.getBuiltinModule('node:sqlite');
    makePrivate(path);
    const found = FleetStore.#find(path, place, instances);
    if (found !== undefined && found !== 'other') return found;
    return new FleetStore(fresh(path, place, { sqlite, onNew }), instances);
  }

  /**
   * Opens a store for questions. Throws STATE_MISSING before the first sync of this place: the
   * configuration may have named another bucket at the last one.
   */
  static openSynced(path: string, place: CopiedPlace, instances?: Instances): FleetStore {
    const found = FleetStore.#find(path, place, instances);
    if (found instanceof FleetStore) {
      if (found.syncedAt !== undefined) return found;
      found[Symbol.dispose]();
    }
    const { endpoint = 'AWS', bucket, tree } = place;
    const message =
      found === 'other'
        ? `${path} is not a copy of s3://${bucket}/${tree} at ${endpoint}`
        : `nothing has been copied from the bucket yet: no complete ${path}`;
    throw new CodedError(message, { code: 'STATE_MISSING', next: 'mm fleet sync' });
  }

  /** Undefined when there is no store, or none that this version can read. */
  static #find(
    path: string,
    place: CopiedPlace,
    instances: Instances | undefined,
  ): FleetStore | 'other' | undefined {
    const found = filesOf(path).map((each) => lstatSync(each, { throwIfNoEntry: false }));
    // SQLite would wait for the writer of a FIFO, and follow a link.
    if (found[0] === undefined || found.some((each) => each?.isFile() === false)) return undefined;
    let database: DatabaseSync | undefined;
    try {
      database = new (process.getBuiltinModule('node:sqlite').DatabaseSync)(path, TIMEOUT);
      const version = database.prepare('PRAGMA user_version').get()?.['user_version'];
      const isOther = version === VERSION && !isCopyOf(database, place);
      if (version === VERSION && !isOther) return new FleetStore(database, instances);
      database.close();
      return isOther ? 'other' : undefined;
    } catch (error) {
      database?.close();
      if (isDamaged(error)) return undefined;
      throw error;
    }
  }

  /** When the last complete sync ended, in ms since 1970. Undefined before the first one. */
  get syncedAt(): number | undefined {
    const row = this.database.prepare('SELECT endedAt FROM sync').get();
    const endedAt = row?.['endedAt'] ?? undefined;
    return endedAt === undefined ? undefined : Number(endedAt);
  }

  /** How many objects were copied, readable or not. */
  get hosts(): number {
    return Number(this.database.prepare('SELECT count(*) AS n FROM host').get()?.['n'] ?? 0);
  }

  /** How many objects cannot be used. */
  get unreadable(): number {
    const row = this.database
      .prepare('SELECT count(*) AS n FROM host WHERE problemKind IS NOT NULL')
      .get();
    return Number(row?.['n'] ?? 0);
  }

  /** Runs changes in a transaction that the next `commit` ends. A failure undoes all of it. */
  write(changes: () => void): void {
    if (!this.database.isTransaction) this.database.exec('BEGIN IMMEDIATE');
    try {
      changes();
    } catch (error) {
      // A full disk may have ended it already.
      if (this.database.isTransaction) this.database.exec('ROLLBACK');
      throw error;
    }
  }

  /** Ends the transaction, if there is one: after a kill all of its changes are there, or none. */
  commit(): void {
    if (this.database.isTransaction) this.database.exec('COMMIT');
  }

  hasStatus(file: string): boolean {
    const row = this.database
      .prepare('SELECT 1 FROM host WHERE file = ? AND problemKind IS NULL')
      .get(file);
    return row !== undefined;
  }

  /** Whether the copy of an object is the one with that ETag. */
  has(file: string, etag: string): boolean {
    return etag !== '' && this.#same.get(file, etag) !== undefined;
  }

  put(stored: StoredHost): void {
    this.#hosts.put(stored);
  }

  remove(file: string): void {
    this.#hosts.remove(file);
  }

  complete(now: number): void {
    this.database.prepare('UPDATE sync SET endedAt = ?').run(now);
  }

  [Symbol.dispose](): void {
    this.database.close();
  }
}

type Sqlite = typeof import('node:sqlite');

const PRIVATE = 0o600;
const TIMEOUT = { timeout: 10_000 };

/** The file of the store, and those that SQLite keeps beside it. */
function filesOf(path: string): readonly string[] {
  return ['', '-wal', '-shm'].map((suffix) => `${path}${suffix}`);
}

/** For a store that an earlier mm made readable by every user. */
function makePrivate(path: string): void {
  for (const each of filesOf(path)) {
    const found = lstatSync(each, { throwIfNoEntry: false });
    // Only its owner can change the mode.
    if (found?.isFile() && found.uid === process.geteuid?.()) chmodSync(each, PRIVATE);
  }
}

function isCopyOf(database: DatabaseSync, { endpoint, bucket, tree }: CopiedPlace): boolean {
  const row = database
    .prepare('SELECT 1 FROM sync WHERE endpoint IS ? AND bucket = ? AND tree = ?')
    .get(endpoint ?? null, bucket, tree);
  return row !== undefined;
}

function fresh(
  path: string,
  { endpoint, bucket, tree }: CopiedPlace,
  { sqlite, onNew }: { readonly sqlite: Sqlite; readonly onNew: () => void },
): DatabaseSync {
  onNew();
  for (const each of filesOf(path)) rmSync(each, { force: true });
  // SQLite gives the mode of this file to those that it makes beside it.
  writeFileSync(path, '', { mode: PRIVATE, flag: 'wx' });
  const database = new sqlite.DatabaseSync(path, TIMEOUT);
  // Two statuses in a page of 4 kB, four in one of 8 kB: a fifth less for a question about facts.
  database.exec(
    `PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${TABLES}`,
  );
  database
    .prepare('INSERT INTO sync VALUES (1, ?, ?, ?, NULL)')
    .run(endpoint ?? null, bucket, tree);
  return database;
}

/**
 * SQLITE_ERROR, of a table that is not as it was made; SQLITE_CORRUPT and SQLITE_NOTADB.
 * https://www.sqlite.org/rescode.html
 */
function isDamaged(error: unknown): boolean {
  return [1, 11, 26].includes(sqliteCode(error));
}

/** The primary result code; 0 for an error of something else. */
function sqliteCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 255 : 0;
}

/**
 * Translates what SQLite throws. Throws STATE_MISSING, DISK_FULL, LOCKED, PERMISSION_DENIED,
 * FILE_FAILED, or the error itself.
 */
export async function withStoreErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    // What is stored was checked before: it has changed since.
    const isContent = cause instanceof SyntaxError || cause instanceof ZodError;
    const [code, next] = MEANINGS[isContent ? CORRUPT : sqliteCode(cause)] ?? [];
    if (code === undefined) throw cause;
    const why = (cause as Error).message;
    throw new CodedError(`cannot use ${path}: ${why}`, { code, cause, ...(next && { next }) });
  }
}

const CORRUPT = 11;
const REMOVE = 'remove the file, then mm fleet sync: it is a copy of what the bucket has';
const OWNER = 'run mm as the user who owns the file, or remove it, then mm fleet sync';
const MEANINGS: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  1: ['STATE_MISSING', REMOVE],
  5: ['LOCKED', 'wait for the other mm, then try again'],
  8: ['PERMISSION_DENIED', OWNER],
  10: ['FILE_FAILED', `dmesg, for an error of the disk; or ${REMOVE}`],
  11: ['STATE_MISSING', REMOVE],
  13: ['DISK_FULL', 'free some space, then run the command again: it reads the rest'],
  14: ['PERMISSION_DENIED', OWNER],
  26: ['STATE_MISSING', REMOVE],
};
