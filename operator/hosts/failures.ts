import type { RunSummary } from '../../bucket/documents/status.ts';
import { printable } from '../../shared/clean-text.ts';

const FAILED: ReadonlySet<string> = new Set(['failed', 'not-compiled', 'killed']);

/** Whether the run failed, had no catalog, or was killed. */
export function hasFailed(run: RunSummary | null): run is RunSummary {
  return run !== null && FAILED.has(run.status);
}

/** Why a run failed, as one clean line. */
export function failureOf({ status, error, failedResources }: RunSummary): string {
  const [first] = failedResources;
  const why = first === undefined ? (error ?? '') : `${first.resource}: ${first.message}`;
  return printable(why === '' ? status : `${status}: ${why}`, 200);
}
