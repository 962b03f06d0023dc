import type { HostBucket } from '../../bucket/bucket.ts';
import { strongEtag } from '../../bucket/etag.ts';
import { metadataKey } from '../../bucket/layout.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { hasExpiredMetadata, needsCycle } from '../core/needs-cycle.ts';
import type { PollResult } from '../core/poll-result.ts';
import type { HostState } from '../core/state.ts';
import type { Clock, Log } from '../ports.ts';

/** timestamp.json has one signature or two. A larger file can only be an attack. */
const MAX_TIMESTAMP_BYTES = 16 * 1024;

export interface PollInput {
  readonly bucket: Pick<HostBucket, 'get'>;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * As the last cycle left it, not checked against its schema; undefined when it cannot be read.
   */
  readonly state: HostState | undefined;
  readonly tree: string;
  readonly environment: string;
  readonly heartbeatSeconds: number;
}

/** The daemon's own poll: one GET, no write. A cycle verifies what it finds. */
export async function poll(input: PollInput, stop: AbortSignal): Promise<PollResult> {
  const { bucket, clock, log, state } = input;
  const known =
    state?.etag?.environment === input.environment ? strongEtag(state.etag.value) : undefined;
  // A store that answers 304 forever must not freeze a host: trust/timestamp.ts has the other half.
  const ifNoneMatch = hasExpiredMetadata(state, clock.now()) ? undefined : known;
  try {
    const answer = await bucket.get(metadataKey(input.tree, 'timestamp.json'), {
      maxBytes: MAX_TIMESTAMP_BYTES,
      ifNoneMatch,
      signal: stop,
    });
    if (answer.kind === 'object' && (known === undefined || answer.etag !== known)) {
      return { kind: 'cycle', why: 'the bucket has newer metadata', prefetched: answer };
    }
    const why = needsCycle(state, clock.now(), input.heartbeatSeconds);
    log.debug('poll.unchanged', { cycle: why });
    return why === undefined ? { kind: 'idle' } : { kind: 'cycle', why };
  } catch (error) {
    if (!(error instanceof CodedError) || stop.aborted) throw error;
    const recorded = state?.status?.trust.error?.code === error.code;
    // The first failure of a kind goes into a status. The cycle meets it again and logs it.
    if (!recorded) return { kind: 'cycle', why: `the poll failed: ${error.message}` };
    log.warn('poll.failed', { code: error.code, error: error.message, next: error.next });
    return { kind: 'failed', code: error.code };
  }
}
