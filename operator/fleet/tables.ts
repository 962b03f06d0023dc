/** Changes with the tables and with what a summary says: another version is made again. */
export const VERSION = 6;

/**
 * Times of tables are in ms since 1970. `host` has what lists and counts need, and is in the order
 * of the bucket: a question about all hosts reads a tenth of the file. `status` is JSONB.
 */
export const TABLES = `
CREATE TABLE host (
  file TEXT PRIMARY KEY,
  certname TEXT NOT NULL,
  etag TEXT NOT NULL,
  receivedAt INTEGER NOT NULL,
  problemKind TEXT,
  problem TEXT,
  environment TEXT,
  version TEXT,
  run TEXT,
  failure TEXT,
  trust TEXT,
  hostId TEXT,
  shared TEXT,
  retry TEXT,
  windowOpensAt TEXT,
  windowWhy TEXT,
  deferred TEXT,
  pinned TEXT,
  isDisabled INTEGER,
  limitSeconds REAL,
  groups TEXT,
  instanceId TEXT,
  zone TEXT
) WITHOUT ROWID;
CREATE TABLE document (
  file TEXT PRIMARY KEY,
  status BLOB NOT NULL
);
CREATE TABLE failedResource (
  file TEXT NOT NULL,
  resource TEXT NOT NULL,
  message TEXT NOT NULL,
  path TEXT,
  line INTEGER
);
CREATE INDEX failedResourceFile ON failedResource (file);
CREATE INDEX failedResourceName ON failedResource (resource);
CREATE TABLE sync (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  endpoint TEXT,
  bucket TEXT NOT NULL,
  tree TEXT NOT NULL,
  endedAt INTEGER
);
PRAGMA user_version = ${VERSION};`;
