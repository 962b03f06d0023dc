import type { RunSummary } from '../../../bucket/documents/status.ts';

/** The summary of a run that was skipped, and why. */
export function skippedRun(reason: string, now: number): RunSummary {
  return {
    ...NOTHING_HAPPENED,
    id: new Date(now).toISOString(),
    status: 'skipped',
    reason: reason.slice(0, 500),
    startedAt: new Date(now).toISOString(),
  };
}

/** The summary of a run that could not start, for example because there is no Puppet. */
export function failedToStart(reason: string, error: string, now: number): RunSummary {
  return { ...skippedRun(reason, now), status: 'failed', error: error.slice(0, 2000) };
}

const NOTHING_HAPPENED = {
  noop: false,
  exitCode: null,
  durationSeconds: 0,
  resources: null,
  failedResources: [],
  changedResources: [],
  changedResourcesTotal: 0,
  error: null,
};
