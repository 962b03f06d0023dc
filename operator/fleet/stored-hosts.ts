import { StatusDocument } from '../../bucket/documents/status.ts';
import { type JsonObject, jsonObject } from '../../shared/json.ts';
import type { HostStatus, Reported } from '../hosts/read-statuses.ts';
import type { SelectedHost, SummarizedHost } from '../hosts/select-hosts.ts';
import type { HostSummary } from '../hosts/summary.ts';
import type { Where } from '../hosts/where/where.ts';
import { HOST_COLUMNS, summaryIn } from './host-writer.ts';
import type { FleetStore } from './store.ts';

/** Hosts whose facts are looked at for "did you mean". */
const LEARNED = 500;

/** Every host of the store, in the order of the bucket, and whether it meets the conditions. */
export async function* storedHosts(store: FleetStore, where: Where): AsyncGenerator<SelectedHost> {
  const { paths } = where;
  // Only what the conditions read is parsed: a tenth of a second for each part of all hosts.
  const columns = [...HOST_COLUMNS, ...paths.map(() => 'status -> ?')].join(', ');
  const documents = paths.length === 0 ? '' : ' LEFT JOIN document USING (file)';
  const statement = store.database.prepare(`SELECT ${columns} FROM host${documents} ORDER BY file`);
  statement.setReturnArrays(true);
  const rows = statement.iterate(
    ...paths.map((path) => `$${path.map((name) => `."${name}"`).join('')}`),
  ) as Iterable<unknown>;
  if (paths.some(([top]) => top === 'facts')) learn(store, where);
  for (const row of rows as Iterable<readonly unknown[]>) {
    const host = new HostInRow(row);
    // Facts that no status promotes are not in the store.
    const isMatching =
      host.problem === undefined && where.matches(statusIn(row, paths), {}) === true;
    yield { host, isMatching };
  }
}

/** Most hosts of a list are only counted: the summary is made when it is asked for. */
class HostInRow implements SummarizedHost {
  readonly certname: string;
  readonly receivedAt: number;
  readonly problem: HostStatus['problem'];
  readonly #row: readonly unknown[];

  constructor(row: readonly unknown[]) {
    const [certname, receivedAt, kind, message] = row;
    this.certname = String(certname);
    this.receivedAt = Number(receivedAt);
    this.problem = kind === null ? undefined : ({ kind, message } as HostStatus['problem']);
    this.#row = row;
  }

  get summary(): HostSummary | undefined {
    return this.problem === undefined ? summaryIn(this.#row) : undefined;
  }
}

function learn(store: FleetStore, where: Where): void {
  const rows = store.database
    .prepare(`SELECT status -> '$.facts' AS facts FROM document LIMIT ${LEARNED}`)
    .iterate();
  for (const { facts } of rows) where.learnFacts(JSON.parse(String(facts)) as JsonObject);
}

/** As much of a status as the row has. */
function statusIn(row: readonly unknown[], paths: readonly (readonly string[])[]): JsonObject {
  const status: Record<string, unknown> = {};
  for (const [at, [top = '', below]] of paths.entries()) {
    const text = row[HOST_COLUMNS.length + at];
    if (typeof text !== 'string') continue;
    const value: unknown = JSON.parse(text);
    if (below === undefined) status[top] = value;
    else status[top] = { ...jsonObject(status[top]), [below]: value };
  }
  return status;
}

/** The status of each host, as `readStatuses` gives it: undefined when it cannot be used. */
export async function* storedStatuses(
  store: FleetStore,
): AsyncGenerator<Reported & { readonly status: StatusDocument | undefined }> {
  const rows = store.database
    .prepare(
      `SELECT certname, receivedAt, json(status) AS status
       FROM host LEFT JOIN document USING (file) ORDER BY file`,
    )
    .iterate();
  for (const { certname, receivedAt, status } of rows) {
    // It was checked before it was stored, and the file is this user's own.
    const checked = typeof status === 'string' ? (JSON.parse(status) as StatusDocument) : undefined;
    yield { certname: String(certname), receivedAt: Number(receivedAt), status: checked };
  }
}

/** The status of one host; undefined when the store has none that can be read. */
export function storedStatus(store: FleetStore, certname: string): StatusDocument | undefined {
  const row = store.database
    .prepare('SELECT json(status) AS status FROM document WHERE file = ?')
    .get(`${certname}.json`);
  const text = row?.['status'];
  return typeof text === 'string' ? StatusDocument.parse(JSON.parse(text)) : undefined;
}

/** How many hosts have this resource among those that failed in their last run. */
export function hostsFailing(store: FleetStore, resource: string): number {
  const row = store.database
    .prepare('SELECT count(DISTINCT file) AS hosts FROM failedResource WHERE resource = ?')
    .get(resource);
  return Number(row?.['hosts'] ?? 0);
}
