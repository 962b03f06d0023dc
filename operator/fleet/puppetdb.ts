import { createHash } from 'node:crypto';
import type { RunSummary, StatusDocument } from '../../bucket/documents/status.ts';
import { type JsonObject, jsonObject } from '../../shared/json.ts';
import { hasFailed } from '../hosts/summary.ts';

/** A command of PuppetDB, as its endpoint `/pdb/cmd/v1` reads it. */
export interface PuppetDbCommand {
  readonly command: 'replace facts' | 'store report';
  readonly version: 5 | 8;
  readonly certname: string;
  readonly payload: object;
}

/** https://www.puppet.com/docs/puppetdb/8/facts_format_v5.html */
export function factsCommand(
  { certname, environment }: StatusDocument,
  facts: JsonObject,
  receivedAt: number,
): PuppetDbCommand {
  const payload = {
    ...{ certname, environment, values: facts },
    producer_timestamp: new Date(receivedAt).toISOString(),
    producer: null,
  };
  return { command: 'replace facts', version: 5, certname, payload };
}

/** Promoted facts as Facter nests them: `os.name` is `{ os: { name } }`. */
export function nestedFacts(promoted: JsonObject): JsonObject {
  const facts: Record<string, unknown> = Object.create(null);
  for (const [path, value] of Object.entries(promoted)) {
    const names = path.split('.');
    const last = names.pop() ?? path;
    let place: Record<string, unknown> = facts;
    for (const name of names) {
      // A copy without a prototype: a host may name a part of a fact `__proto__`.
      const next: Record<string, unknown> = Object.create(null);
      place[name] = Object.assign(next, jsonObject(place[name]));
      place = next;
    }
    place[last] = value;
  }
  return facts;
}

/** The last run. https://www.puppet.com/docs/puppetdb/8/report_format_v8.html */
export function reportCommand(
  status: StatusDocument & { readonly run: RunSummary },
  receivedAt: number,
): PuppetDbCommand {
  const { certname, environment, versions, release, run } = status;
  const endTime = endOf(run);
  const id = uuidOf(`${certname} ${run.id}`);
  const payload = {
    ...{ certname, environment },
    puppet_version: versions.puppet ?? 'unknown',
    // What Puppet 7 and 8 write.
    report_format: 12,
    configuration_version: release?.version ?? 'none',
    start_time: run.startedAt,
    end_time: endTime,
    producer_timestamp: new Date(receivedAt).toISOString(),
    producer: null,
    resources: resourcesOf(run, endTime),
    metrics: metricsOf(run),
    logs: logsOf(run, endTime),
    ...{ transaction_uuid: id, catalog_uuid: id, code_id: release?.commit ?? null, job_id: null },
    cached_catalog_status: 'not_used',
    status: reportStatus(run),
    noop: run.noop,
    noop_pending: run.status === 'pending',
    corrective_change: (run.resources?.corrective ?? 0) > 0,
    type: 'agent',
  };
  return { command: 'store report', version: 8, certname, payload };
}

/** A host can report any duration. What ends after the year 9999 has no time that others read. */
function endOf({ startedAt, durationSeconds }: RunSummary): string {
  const end = Date.parse(startedAt) + durationSeconds * 1000;
  return end < LAST_MS ? new Date(end).toISOString() : startedAt;
}

const LAST_MS = Date.UTC(10_000, 0);

function reportStatus(run: RunSummary): 'failed' | 'changed' | 'unchanged' {
  if (run.status === 'changed') return 'changed';
  return hasFailed(run) ? 'failed' : 'unchanged';
}

/** Only those that failed or changed: a status has no others, and of these at most 20 each. */
function resourcesOf(run: RunSummary, timestamp: string): object[] {
  const outcome = run.status === 'pending' ? 'noop' : 'success';
  const failed = run.failedResources.map(({ resource, message, file, line }) =>
    resourceOf(resource, { timestamp, status: 'failure', message, file, line }),
  );
  const changed = run.changedResources.map((resource) =>
    resourceOf(resource, { timestamp, status: outcome, message: null, file: null, line: null }),
  );
  return [...failed, ...changed];
}

function resourceOf(
  resource: string,
  about: {
    readonly timestamp: string;
    readonly status: string;
    readonly message: string | null;
    readonly file: string | null;
    readonly line: number | null;
  },
): object {
  const { timestamp, status, message, file, line } = about;
  const [, type = resource, title = resource] = /^([^[]+)\[(.*)\]$/s.exec(resource) ?? [];
  const none = { property: null, new_value: null, old_value: null, corrective_change: null };
  return {
    ...{ timestamp, resource_type: type, resource_title: title, skipped: false, file, line },
    containment_path: [],
    events: [{ status, timestamp, message, ...none }],
  };
}

function metricsOf({ resources, durationSeconds }: RunSummary): object[] {
  const counts = {
    total: resources?.total ?? 0,
    changed: resources?.changed ?? 0,
    failed: resources?.failed ?? 0,
    skipped: resources?.skipped ?? 0,
    out_of_sync: resources?.outOfSync ?? 0,
    restarted: resources?.restarted ?? 0,
    corrective_change: resources?.corrective ?? 0,
  };
  return [
    ...Object.entries(counts).map(([name, value]) => ({ category: 'resources', name, value })),
    { category: 'time', name: 'total', value: durationSeconds },
    { category: 'changes', name: 'total', value: counts.changed },
    { category: 'events', name: 'success', value: counts.changed },
    { category: 'events', name: 'failure', value: counts.failed },
  ];
}

function logsOf({ error }: RunSummary, time: string): object[] {
  if (error === null) return [];
  const log = { level: 'err', message: error, source: 'Puppet', tags: ['err'] };
  return [{ ...log, file: null, line: null, time }];
}

/** The same for each export of a run: PuppetDB then keeps it once. RFC 9562, version 8. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = '89ab'[Number.parseInt(hex.charAt(16), 16) % 4];
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
