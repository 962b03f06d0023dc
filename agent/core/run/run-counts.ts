import type { ReportView } from './outcome-report.ts';

/**
 * What `last_run_summary.yaml` says of a run whose report cannot be read: it is too large, or
 * damaged. Undefined for a run without a transaction, whose summary has no counts. The file is
 * simple YAML that Puppet writes: sections at the margin, their values below, indented.
 */
export function viewSummary(
  text: string,
  run: { readonly startedAt: number; readonly noop: boolean },
): ReportView | undefined {
  const values = valuesOf(text);
  const count = (name: string): number => values.get(`resources.${name}`) ?? 0;
  if (!values.has('resources.total')) return undefined;
  const failed = Math.max(count('failed'), count('failed_to_restart'));
  const changed = count('changed');
  return {
    startedAt: run.startedAt,
    status: failed > 0 ? 'failed' : changed > 0 ? 'changed' : 'unchanged',
    noop: run.noop,
    noopPending: count('out_of_sync') > changed + failed,
    completed: true,
    totalSeconds: values.get('time.total'),
    counts: {
      total: count('total'),
      changed,
      failed,
      skipped: count('skipped'),
      outOfSync: count('out_of_sync'),
      restarted: count('restarted'),
      corrective: count('corrective_change'),
    },
    failed: [],
    changed: [],
    pending: [],
    errors: [],
    strayErrors: [],
    errorLines: [],
  };
}

/** `resources.total` to 107; only values that are numbers. */
function valuesOf(text: string): ReadonlyMap<string, number> {
  const values = new Map<string, number>();
  let section = '';
  for (const line of text.split('\n')) {
    section = /^(\w+):\s*$/.exec(line)?.[1] ?? section;
    const [, name, value] = /^ +"?(\w+)"?: (\d+(?:\.\d+)?)\s*$/.exec(line) ?? [];
    if (name !== undefined) values.set(`${section}.${name}`, Number(value));
  }
  return values;
}
