import type { HostState } from './state.ts';
import { isUploadDue, meaningfulDigest } from './status/status.ts';

/**
 * Why a cycle must run although S3 answered "not modified"; undefined when nothing is to be done.
 * Most polls end here, without a child process and without a write. The daemon does not keep the
 * schema in memory, so the state is not checked: when it has another form, a cycle repairs it.
 */
export function needsCycle(
  state: HostState | undefined,
  now: number,
  heartbeatSeconds: number,
): string | undefined {
  if (state === undefined) return 'the state of this host cannot be read';
  try {
    return reasonFor(state, now, heartbeatSeconds);
  } catch (error) {
    return `the state of this host is damaged: ${String(error)}`;
  }
}

function reasonFor(state: HostState, now: number, heartbeatSeconds: number): string | undefined {
  const { status } = state;
  if (status === null) return 'no status has been written yet';
  if (status.trust.error !== null && !isExpiry(status.trust.state))
    return 'the bucket answers again';
  if (hasExpiredMetadata(state, now) && !isExpiry(status.trust.state)) {
    return 'the metadata has expired';
  }
  const mayRun = status.disabled === null && !state.stopped;
  if (mayRun && state.lastRunRelease !== (status.release?.sha256 ?? null)) {
    return 'the active release has not completed a run yet';
  }
  if (isUploadDue(meaningfulDigest(status), state.uploaded, now, heartbeatSeconds)) {
    return 'a status upload is due';
  }
  return undefined;
}

/** As the last cycle recorded it, by this host's clock. */
export function hasExpiredMetadata(state: HostState | undefined, now: number): boolean {
  const earliest = state?.earliestExpiry ?? null;
  return earliest !== null && Date.parse(String(earliest)) <= now;
}

function isExpiry(trustState: string): boolean {
  return trustState.startsWith('metadata-expired:');
}
