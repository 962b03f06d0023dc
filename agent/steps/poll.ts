import type { HostBucket } from '../../bucket/bucket.ts';
import { strongEtag } from '../../bucket/etag.ts';
import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import type { PollResult } from '../core/poll-result.ts';
import type { HostState } from '../core/state.ts';
import {
  hasExpiredMetadata,
  isReportDue,
  type Moment,
  needsCycle,
  owedRunOf,
} from '../core/status/needs-cycle.ts';
import { type ApplyWindow, windowAt } from '../core/when/apply-window.ts';
import { type Condition, mayWait } from '../core/when/deferral.ts';
import { followedEnvironment } from '../core/when/pin.ts';
import { retryTime } from '../core/when/retry.ts';
import type { Clock, Log } from '../ports.ts';

/** timestamp.json has one signature or two. A larger file can only be an attack. */
const MAX_TIMESTAMP_BYTES = 16 * 1024;

export interface PollInput {
  readonly bucket: Pick<HostBucket, 'get'>;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * As the last cycle wrote it, without a check against its schema; undefined when it cannot be
   * read.
   */
  readonly state: HostState | undefined;
  readonly tree: string;
  /** The environment of the configuration. */
  readonly environment: string;
  readonly heartbeatSeconds: number;
  /** Undefined when there is no window, and when all runs are noop. */
  readonly window?: ApplyWindow | undefined;
  /** Returns the condition of `defer_on` that holds now. Called only while a run is deferred. */
  readonly findCondition?: () => Promise<Condition | undefined>;
}

/** The poll of the daemon: one GET, no write. A cycle verifies what it finds. */
export async function poll(input: PollInput, stop: AbortSignal): Promise<PollResult> {
  const { bucket, clock, log, state } = input;
  const followed = followedEnvironment(state?.status?.pin, input.environment, clock.now());
  const known = state?.etag?.environment === followed ? strongEtag(state.etag.value) : undefined;
  // A store that answers 304 forever must not freeze a host. See also trust/timestamp.ts.
  const ifNoneMatch = hasExpiredMetadata(state, clock.now()) ? undefined : known;
  try {
    const answer = await bucket.get(metadataKey(input.tree, 'timestamp.json'), {
      maxBytes: MAX_TIMESTAMP_BYTES,
      ifNoneMatch,
      signal: stop,
    });
    if (answer.kind === 'object' && (known === undefined || answer.etag !== known)) {
      const why = 'the bucket has newer metadata';
      return await unlessDeferred(input, { kind: 'cycle', why, prefetched: answer });
    }
    const why = needsCycle(state, momentOf(input), input.heartbeatSeconds);
    log.debug('poll.unchanged', { cycle: why });
    if (why === undefined) return { kind: 'idle', runAt: runAt(input) };
    const isRun = why === owedRunOf(state, momentOf(input));
    return isRun ? await unlessDeferred(input, { kind: 'cycle', why }) : { kind: 'cycle', why };
  } catch (error) {
    if (!(error instanceof CodedError) || stop.aborted) throw error;
    const retryAfterMs = retryAfterOf(error);
    // The cycle repeats the request, and logs the failure.
    if (!isReported(input, error))
      return { kind: 'cycle', why: `the poll failed: ${error.message}`, retryAfterMs };
    const { code, message, next, details } = error;
    log.warn('poll.failed', {
      code,
      error: message,
      next,
      retryAfter: details['retryAfterSeconds'],
    });
    const owed = owedRunOf(state, momentOf(input));
    if (owed !== undefined) return { kind: 'cycle', why: owed, retryAfterMs };
    return { kind: 'failed', error: code, runAt: runAt(input), retryAfterMs };
  }
}

/** While a run is deferred, no cycle is started only to find that the conditions are the same. */
async function unlessDeferred(input: PollInput, cycle: PollResult): Promise<PollResult> {
  const { state, clock, log, heartbeatSeconds } = input;
  const deferral = state?.deferred ?? null;
  const now = clock.now();
  if (deferral === null || !mayWait(deferral, now) || isReportDue(state, now, heartbeatSeconds))
    return cycle;
  if ((await input.findCondition?.()) === undefined) return cycle;
  log.debug('poll.deferred', { why: deferral.why });
  return { kind: 'idle' };
}

/**
 * Whether this error needs no cycle that reports it. The first failure of a kind must get into a
 * status. When S3 asks for fewer requests, the report waits until a status is due in any case.
 */
function isReported({ state, clock, heartbeatSeconds }: PollInput, { code }: CodedError): boolean {
  if (state?.status?.trust.error?.code === code) return true;
  return code === 'S3_SLOW_DOWN' && !isReportDue(state, clock.now(), heartbeatSeconds);
}

function retryAfterOf({ details }: CodedError): number | undefined {
  const { retryAfterSeconds } = details;
  return typeof retryAfterSeconds === 'number' ? retryAfterSeconds * 1000 : undefined;
}

function momentOf({ window, clock }: PollInput): Moment {
  const now = clock.now();
  return { now, isWindowOpen: windowAt(window, now).isOpen };
}

function runAt({ state, clock }: PollInput): number | undefined {
  return retryTime(state?.retry ?? null, clock.now());
}
