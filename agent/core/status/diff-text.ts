import type { RunSummary } from '../../../bucket/documents/status.ts';
import { counted } from '../../../shared/counted.ts';
import { runLines, wouldChange } from '../run/run-text.ts';

/** What a noop run would have changed: a headline, then the names of the resources. */
export function diffLines(run: RunSummary): string[] {
  const { status, resources, changedResources, changedResourcesTotal } = run;
  if (status === 'unchanged') return ['nothing would change'];
  // A failed run, or one that was skipped, has its reasons.
  if (status !== 'pending') return runLines(run, 'now');
  const count = wouldChange(run) ?? changedResourcesTotal;
  const what =
    resources === null
      ? counted(count, 'resource')
      : `${count} of ${counted(resources.total, 'resource')}`;
  const more = changedResourcesTotal - changedResources.length;
  return [
    `${what} would change:`,
    ...changedResources.map((resource) => `  ${resource}`),
    ...(more > 0 ? [`  and ${more} more; all of them: mm-agent log ${run.id}`] : []),
  ];
}
