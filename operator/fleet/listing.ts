import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Etag } from '../../bucket/bucket.ts';

/** An object below `status/hosts/`, as it was listed. */
export interface Listed {
  /** The key below the prefix. */
  readonly file: string;
  readonly etag: Etag;
  readonly size: number;
  /** In ms since 1970. */
  readonly receivedAt: number;
}

/** Rows that are read at once. Another statement may change the store between two of them. */
const PAGE = 1000;

/**
 * A listing of the bucket beside the store, in a table that ends with the connection. SQLite
 * compares the two: as objects of JavaScript 100,000 entries would need 80 MB.
 */
export class Listing {
  readonly #database: DatabaseSync;
  readonly #add: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    // In memory, about 100 bytes an object: a full /tmp must not end a sync.
    database.exec(`PRAGMA temp_store = MEMORY; DROP TABLE IF EXISTS temp.listed;
CREATE TEMP TABLE listed (
  file TEXT PRIMARY KEY,
  etag TEXT,
  size INTEGER NOT NULL,
  receivedAt INTEGER NOT NULL
) WITHOUT ROWID;`);
    this.#add = database.prepare('INSERT OR REPLACE INTO listed VALUES (?, ?, ?, ?)');
  }

  add({ file, etag, size, receivedAt }: Listed): void {
    this.#add.run(file, etag ?? null, size, receivedAt);
  }

  /** How many objects were listed. */
  get size(): number {
    return this.#count('SELECT count(*) AS n FROM listed');
  }

  /** How many objects are not in the store as they are in the bucket. */
  get changed(): number {
    return this.#count(`SELECT count(*) AS n ${CHANGED}`);
  }

  /** Those objects, in the order of the bucket. */
  *changes(): Generator<Listed> {
    const page = this.#database.prepare(
      `SELECT file, listed.etag AS etag, size, listed.receivedAt AS receivedAt ${CHANGED}
       AND file > ? ORDER BY file LIMIT ${PAGE}`,
    );
    let last = '';
    for (;;) {
      const rows = page.all(last);
      for (const { file, etag, size, receivedAt } of rows) {
        yield {
          file: String(file),
          etag: etag === null ? undefined : String(etag),
          size: Number(size),
          receivedAt: Number(receivedAt),
        };
      }
      if (rows.length < PAGE) return;
      last = String(rows.at(-1)?.['file']);
    }
  }

  /** For objects that were written again without a change. */
  touch(): void {
    this.#database.exec(`UPDATE host SET receivedAt = listed.receivedAt FROM listed
      WHERE listed.file = host.file AND listed.etag = host.etag
      AND listed.receivedAt <> host.receivedAt`);
  }

  /** Files of the store whose object is gone. */
  gone(): string[] {
    return this.#database
      .prepare('SELECT file FROM host WHERE file NOT IN (SELECT file FROM listed)')
      .all()
      .map(({ file }) => String(file));
  }

  #count(sql: string): number {
    return Number(this.#database.prepare(sql).get()?.['n']);
  }
}

const CHANGED = `FROM listed LEFT JOIN host USING (file)
  WHERE (host.etag IS NULL OR listed.etag IS NULL OR host.etag <> listed.etag)`;
