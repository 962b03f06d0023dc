import type { RunSummary } from '../../../bucket/documents/status.ts';
import { counted } from '../../../shared/counted.ts';

/**
 * The resources of a run in numbers, or undefined without a report. A noop run changes nothing, so
 * its number is what would change.
 */
export function countsText(run: RunSummary): string | undefined {
  const { resources, noop } = run;
  if (resources === null) return undefined;
  const { changed, failed, total } = resources;
  const what = noop ? `${wouldChange(run)} would change` : `${changed} changed`;
  return `${what}, ${failed} failed of ${counted(total, 'resource')}`;
}

/** How many resources a noop run would have changed. Undefined for another run. */
export function wouldChange(run: RunSummary): number | undefined {
  const { noop, status, resources, changedResourcesTotal } = run;
  if (!noop || resources === null) return undefined;
  if (status === 'pending') return changedResourcesTotal;
  return Math.max(0, resources.outOfSync - resources.failed);
}

/** What a run did, one line each: its outcome, then its errors. `ago` is the text of its start. */
export function runLines(run: RunSummary, ago: string): string[] {
  const counts = countsText(run);
  const took = `${run.durationSeconds.toFixed(1)} s`;
  const outcome = `${run.status}${run.noop ? ' (noop)' : ''} ${ago}, ${took}`;
  return [
    `${outcome}${counts === undefined ? '' : `, ${counts}`}; ${run.reason}`,
    ...(run.error === null
      ? []
      : [run.errorCode === undefined ? run.error : `${run.errorCode}: ${run.error}`]),
    ...(run.errors === undefined ? [] : [`errors in no failed resource: ${run.errors}`]),
    ...(run.problems ?? []),
    ...run.failedResources.map(
      ({ resource, message, file, line }) =>
        `${resource}: ${message}${file === null ? '' : ` (${file}:${line ?? '?'})`}`,
    ),
  ];
}
