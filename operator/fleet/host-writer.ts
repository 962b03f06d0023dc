import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { StatusDocument } from '../../bucket/documents/status.ts';
import type { HostStatus } from '../hosts/read-statuses.ts';
import { type HostSummary, hasFailed, summaryOf } from '../hosts/summary.ts';

/** A host as it is stored. */
export interface StoredHost {
  /** The name of the object below `status/hosts/`. */
  readonly file: string;
  readonly etag: string;
  readonly host: HostStatus;
}

/** The columns that hold a summary, so that a question about all hosts parses no JSON. */
const SUMMARY_COLUMNS = [
  ...(['environment', 'version', 'run', 'failure', 'trust', 'hostId', 'shared', 'retry'] as const),
  ...(['windowOpensAt', 'windowWhy', 'deferred', 'pinned', 'isDisabled', 'limitSeconds'] as const),
  ...(['groups', 'instanceId', 'zone'] as const),
] as const;

const SUMMARY = SUMMARY_COLUMNS.join(', ');
type SummaryColumn = (typeof SUMMARY_COLUMNS)[number];

const REPORTED_COLUMNS = ['certname', 'receivedAt', 'problemKind', 'problem'] as const;

/** The columns with which a row begins that {@link summaryIn} reads. */
export const HOST_COLUMNS: readonly string[] = [...REPORTED_COLUMNS, ...SUMMARY_COLUMNS];

const AT = Object.fromEntries(
  SUMMARY_COLUMNS.map((name, at) => [name, REPORTED_COLUMNS.length + at]),
) as Readonly<Record<SummaryColumn, number>>;

type Cell = string | number | null;

/** Writes hosts into the store. The caller opens the transaction. */
export class HostWriter {
  readonly #put: StatementSync;
  readonly #describe: StatementSync;
  readonly #fail: StatementSync;
  /** From each table. */
  readonly #removals: readonly StatementSync[];

  constructor(database: DatabaseSync) {
    const values = SUMMARY_COLUMNS.map(() => '?').join(', ');
    this.#put = database.prepare(
      `INSERT INTO host (file, etag, certname, receivedAt, problemKind, problem, ${SUMMARY})
       VALUES (?, ?, ?, ?, ?, ?, ${values})`,
    );
    this.#describe = database.prepare('INSERT INTO document VALUES (?, jsonb(?))');
    this.#fail = database.prepare('INSERT INTO failedResource VALUES (?, ?, ?, ?, ?)');
    this.#removals = ['failedResource', 'document', 'host'].map((table) =>
      database.prepare(`DELETE FROM ${table} WHERE file = ?`),
    );
  }

  put({ file, etag, host }: StoredHost): void {
    const { certname, receivedAt, status, problem } = host;
    const { kind = null, message = null } = problem ?? {};
    const summary = status === undefined ? SUMMARY_COLUMNS.map(() => null) : cellsOf(status);
    this.remove(file);
    this.#put.run(file, etag, certname, receivedAt, kind, message, ...summary);
    if (status === undefined) return;
    // Not the bytes of the host: of a name that they have twice, another reader may see the other.
    this.#describe.run(file, JSON.stringify(status));
    if (!hasFailed(status.run)) return;
    for (const { resource, message: why, file: path, line } of status.run.failedResources) {
      this.#fail.run(file, resource, why, path, line);
    }
  }

  remove(file: string): void {
    for (const removal of this.#removals) removal.run(file);
  }
}

/** In the order of `SUMMARY_COLUMNS`. */
function cellsOf(status: StatusDocument): readonly Cell[] {
  const summary = summaryOf(status);
  const { environment, version, run, failure, trust, hostId, shared, retry } = summary;
  const { window, deferred, pinned, isDisabled, limitSeconds, groups, instance } = summary;
  return [
    ...[environment, version, run, failure, trust, hostId, shared, retry],
    ...[window?.opensAt ?? null, window?.why ?? null, deferred, pinned],
    ...[Number(isDisabled), limitSeconds],
    groups.length === 0 ? null : JSON.stringify(groups),
    ...[instance?.id ?? null, instance?.zone ?? null],
  ];
}

/** The summary of a row that begins with `HOST_COLUMNS`. */
export function summaryIn(row: readonly unknown[]): HostSummary {
  const text = (name: SummaryColumn): string | null => row[AT[name]] as string | null;
  const [groups, why, id] = [text('groups'), text('windowWhy'), text('instanceId')];
  return {
    environment: String(text('environment')),
    groups: groups === null ? [] : (JSON.parse(groups) as string[]),
    version: text('version'),
    run: text('run'),
    failure: text('failure'),
    trust: String(text('trust')),
    hostId: text('hostId'),
    shared: text('shared'),
    retry: text('retry'),
    window: why === null ? null : { opensAt: text('windowOpensAt'), why },
    deferred: text('deferred'),
    pinned: text('pinned'),
    isDisabled: row[AT.isDisabled] === 1,
    instance: id === null ? null : { id, zone: text('zone') },
    limitSeconds: Number(row[AT.limitSeconds]),
  };
}
