import { StatusDocument } from '../../bucket/documents/status.ts';
import type { HostStatus } from '../hosts/read-statuses.ts';
import type { SelectedHost } from '../hosts/select-hosts.ts';
import type { Where } from '../hosts/where.ts';
import { HOST_COLUMNS, summaryIn } from './host-writer.ts';
import type { FleetStore } from './store.ts';

/** Every host of the store, in the order of the bucket, and whether it meets the conditions. */
export async function* storedHosts(store: FleetStore, where: Where): AsyncGenerator<SelectedHost> {
  const { fields } = where;
  // Only what the conditions read is parsed. Names of fields are those of the schema.
  const parts = fields.map((field) => `, status -> '$.${field}' AS part_${field}`).join('');
  const documents = fields.length === 0 ? '' : ' LEFT JOIN document USING (file)';
  const rows = store.database
    .prepare(`SELECT ${HOST_COLUMNS}${parts} FROM host${documents} ORDER BY file`)
    .iterate();
  for (const row of rows) {
    const reported = { certname: String(row['certname']), receivedAt: Number(row['receivedAt']) };
    if (row['problemKind'] !== null) {
      const problem = {
        kind: row['problemKind'],
        message: row['problem'],
      } as HostStatus['problem'];
      yield { host: { ...reported, summary: undefined, problem }, isMatching: false };
      continue;
    }
    const status: Record<string, unknown> = {};
    for (const field of fields) {
      const part = row[`part_${field}`];
      if (typeof part === 'string') status[field] = JSON.parse(part);
    }
    // Facts that no status promotes are not in the store.
    const isMatching = where.matches(status, {}) === true;
    yield { host: { ...reported, summary: summaryIn(row), problem: undefined }, isMatching };
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
