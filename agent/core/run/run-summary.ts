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
export function failedToStart(
  reason: string,
  { code, message }: { readonly code: string; readonly message: string },
  now: number,
): RunSummary {
  const error = message.slice(0, 2000);
  return { ...skippedRun(reason, now), status: 'failed', error, errorCode: code };
}

/** Whether Puppet ran without a good end, or could not be started. */
export function isFailure({ status }: Pick<RunSummary, 'status'>): boolean {
  return status === 'failed' || status === 'not-compiled' || status === 'killed';
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
