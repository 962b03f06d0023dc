import * as z from 'zod';
import type { FailedResource, RunSummary } from '../../../bucket/documents/status.ts';
import { cleanText } from '../../../shared/clean-text.ts';
import { safeText } from './safe-text.ts';

/** The part of Puppet's report that a run's summary uses (report format 12, see `api/schemas`). */
export interface ReportView {
  /** ms since 1970. */
  readonly startedAt: number;
  readonly status: 'failed' | 'changed' | 'unchanged';
  readonly noop: boolean;
  readonly noopPending: boolean;
  /** False when the transaction did not end: a dependency cycle, a prerun command, a signal. */
  readonly completed: boolean;
  /** From the start of the report to its end; undefined when the metrics do not have it. */
  readonly totalSeconds: number | undefined;
  readonly counts: NonNullable<RunSummary['resources']>;
  /** All of them. The summary has at most 20. */
  readonly failed: readonly FailedResource[];
  readonly changed: readonly string[];
  /** What a noop run would have changed. */
  readonly pending: readonly string[];
  /** Messages that were logged as errors. */
  readonly errors: readonly string[];
  /** Those of them that belong to no failed resource, for example from `err()`. */
  readonly strayErrors: readonly string[];
  /** The first line of each error as the console shows it, without `Error: `. */
  readonly errorLines: readonly string[];
}

const flag = z.boolean().catch(false);
const text = z.string().catch('');

const Log = z.object({ level: text, message: text, source: text }).catch(() => NO_LOG);
type LoggedError = Pick<z.infer<typeof Log>, 'source' | 'message'>;
const NO_LOG = { level: '', message: '', source: '' };

const ResourceStatus = z.object({
  failed: flag,
  failed_to_restart: flag,
  changed: flag,
  file: z.string().nullish().catch(null),
  line: z.int().nullish().catch(null),
  containment_path: z.array(z.string()).catch([]),
  events: z.array(z.object({ status: text, message: text }).catch(() => NO_EVENT)).catch([]),
});
type ResourceStatus = z.infer<typeof ResourceStatus>;
const NO_EVENT = { status: '', message: '' };

const Metric = z.object({
  values: z.array(z.tuple([z.string(), z.unknown(), z.unknown()])).catch([]),
});

/**
 * Fields that do not decide the outcome may be missing or different: reports differ between Puppet
 * 7, 8 and OpenVox.
 */
const Report = z.object({
  time: z.string().transform(Date.parse).pipe(z.number()),
  status: z.enum(['failed', 'changed', 'unchanged']),
  noop: flag,
  noop_pending: flag,
  transaction_completed: z.boolean().catch(true),
  logs: z.array(Log).catch([]),
  metrics: z.record(z.string(), Metric).catch({}),
  resource_statuses: z.record(z.string(), z.unknown()).catch({}),
});
type Report = z.infer<typeof Report>;

/** Undefined for anything that is not a report of Puppet. */
export function viewReport(
  raw: unknown,
  nameFile: (path: string) => string,
): ReportView | undefined {
  const parsed = Report.safeParse(raw);
  if (!parsed.success) return undefined;
  const report = parsed.data;
  const errors = report.logs.filter((log) => ERROR_LEVELS.has(log.level));
  const resources = resourcesOf(report);
  const failed = resources
    .filter(([, resource]) => isFailed(resource))
    .map(([name, resource]) => ({
      resource: safeText(name, 300),
      message: safeText(failureMessage(resource, errors), 500),
      file: resource.file == null ? null : cleanText(nameFile(resource.file), 500),
      line: resource.line ?? null,
    }));
  return {
    startedAt: report.time,
    status: report.status,
    noop: report.noop,
    noopPending: report.noop_pending,
    completed: report.transaction_completed,
    totalSeconds: metric(report, 'time', 'total'),
    counts: countsOf(report, failed.length),
    failed,
    changed: namesWhere(resources, (resource) => resource.changed),
    pending: namesWhere(resources, ({ events }) => events.some(({ status }) => status === 'noop')),
    errors: errors.map(({ message }) => message),
    strayErrors: strayErrors(errors, resources),
    errorLines: errors.flatMap(({ source, message }) => {
      const [line = ''] = message.split('\n');
      return [line, `${source}: ${line}`];
    }),
  };
}

const ERROR_LEVELS = new Set(['err', 'crit', 'alert', 'emerg']);

function resourcesOf(report: Report): (readonly [string, ResourceStatus])[] {
  return Object.entries(report.resource_statuses).flatMap(([name, raw]) => {
    const parsed = ResourceStatus.safeParse(raw);
    return parsed.success ? [[name, parsed.data] as const] : [];
  });
}

function namesWhere(
  resources: readonly (readonly [string, ResourceStatus])[],
  matches: (resource: ResourceStatus) => boolean,
): string[] {
  return resources.filter(([, status]) => matches(status)).map(([name]) => safeText(name, 300));
}

/**
 * Leaves out errors of a failed resource, because its failure is counted already. Leaves out errors
 * of Facter about facts that it cannot resolve, because successful runs have them too. Puppet may
 * log the failure of an exec twice: first without the name of the resource, then with it.
 */
function strayErrors(
  errors: readonly LoggedError[],
  resources: readonly (readonly [string, ResourceStatus])[],
): string[] {
  const failed = resources.map(([, resource]) => resource).filter(isFailed);
  const isCounted = (error: LoggedError): boolean =>
    failed.some((resource) => isFrom(error, resource));
  const failures = errors.filter(isCounted);
  const isRepeated = (text: string): boolean =>
    failures.some(({ message }) => message.endsWith(`: ${text}`));
  return errors
    .filter((error) => !isCounted(error) && !isRepeated(error.message))
    .map(({ message }) => message)
    .filter((message) => !message.startsWith('Facter: '));
}

function isFailed({ failed, failed_to_restart }: ResourceStatus): boolean {
  return failed || failed_to_restart;
}

/** The source of a logged error is the path of its resource, or a part of it. */
function isFrom({ source }: LoggedError, { containment_path }: ResourceStatus): boolean {
  const path = `/${containment_path.join('/')}`;
  return source === path || source.startsWith(`${path}/`);
}

/** A failed refresh has no event. Its message is in the log, with the path of the resource. */
function failureMessage(resource: ResourceStatus, errors: readonly LoggedError[]): string {
  const event = resource.events.find(({ status }) => status === 'failure');
  if (event !== undefined && event.message !== '') return event.message;
  const logged = errors.find((error) => isFrom(error, resource));
  return logged?.message ?? 'failed, and the report gives no reason';
}

function countsOf(report: Report, failed: number): ReportView['counts'] {
  const count = (name: string) => {
    const value = metric(report, 'resources', name) ?? 0;
    return Number.isSafeInteger(value) && value >= 0 ? value : 0;
  };
  return {
    total: count('total'),
    changed: count('changed'),
    // A resource can be in both counts, and each of them sets bit 4 of Puppet's exit code.
    failed: Math.max(count('failed'), count('failed_to_restart'), failed),
    skipped: count('skipped'),
    outOfSync: count('out_of_sync'),
    restarted: count('restarted'),
    corrective: count('corrective_change'),
  };
}

function metric(report: Report, group: string, name: string): number | undefined {
  const value = report.metrics[group]?.values.find(([key]) => key === name)?.[2];
  // A number such as 1e999 is valid JSON and parses to Infinity.
  return Number.isFinite(value) ? Number(value) : undefined;
}
