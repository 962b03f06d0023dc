import type { HostState } from '../state.ts';
import { owedRun } from '../when/owed-run.ts';
import { hasEnded } from '../when/pin.ts';
import { isUploadDue, meaningfulDigest } from './status.ts';

/**
 * Returns why a cycle must run although S3 answered "not modified"; undefined when no cycle is
 * needed. Most polls end here, without a child process and without a write. The state is not
 * checked against its schema, which the daemon does not load; a cycle repairs a damaged state.
 */
export function needsCycle(
  state: HostState | undefined,
  moment: Moment,
  heartbeatSeconds: number,
): string | undefined {
  if (state === undefined) return 'the state of this host cannot be read';
  try {
    return reasonFor(state, moment, heartbeatSeconds);
  } catch (error) {
    return `the state of this host is damaged: ${String(error)}`;
  }
}

/** The time of a poll, and what depends on it. */
export interface Moment {
  /** ms since 1970. */
  readonly now: number;
  /** `apply_window`, at that time. */
  readonly isWindowOpen: boolean;
}

function reasonFor(state: HostState, moment: Moment, heartbeatSeconds: number): string | undefined {
  const { status } = state;
  const { now } = moment;
  if (status === null) return 'no status has been written yet';
  if (status.trust.error !== null && !isExpiry(status.trust.state))
    return 'the bucket answers again';
  if (hasExpiredMetadata(state, now) && !isExpiry(status.trust.state)) {
    return 'the metadata has expired';
  }
  const owed = owedRunOf(state, moment);
  if (owed !== undefined) return owed;
  if (isUploadDue(meaningfulDigest(status), state.uploaded, now, heartbeatSeconds)) {
    return 'a status upload is due';
  }
  return undefined;
}

/** Whether the status must be sent now. Also true when the state cannot be read, or is damaged. */
export function isReportDue(
  state: HostState | undefined,
  now: number,
  heartbeatSeconds: number,
): boolean {
  try {
    const status = state?.status ?? null;
    if (state === undefined || status === null) return true;
    return isUploadDue(meaningfulDigest(status), state.uploaded, now, heartbeatSeconds);
  } catch {
    return true;
  }
}

/**
 * Returns why a run is due although nothing is new. The poll of the daemon calls it also when S3
 * did not answer.
 */
export function owedRunOf(state: HostState | undefined, moment: Moment): string | undefined {
  const status = state?.status ?? null;
  if (status?.pin !== undefined && hasEnded(status.pin, moment.now)) return 'the pin has ended';
  if (state === undefined || status === null || status.disabled !== null || state.stopped)
    return undefined;
  // A daemon may read the state of an older version.
  const { lastRunRelease, retry = null, held = null, deferred = null } = state;
  const memory = {
    lastRun: lastRunRelease ?? undefined,
    retry,
    held,
    wasDeferred: deferred !== null,
  };
  return owedRun(memory, status.release?.sha256, moment);
}

/** Whether the metadata of the last cycle has expired by the clock of this host. */
export function hasExpiredMetadata(state: HostState | undefined, now: number): boolean {
  const earliest = state?.earliestExpiry ?? null;
  return earliest !== null && Date.parse(String(earliest)) <= now;
}

function isExpiry(trustState: string): boolean {
  return trustState.startsWith('metadata-expired:');
}
