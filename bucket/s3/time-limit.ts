import { CodedError } from '../../shared/coded-error.ts';

export interface TimeLimit {
  /** Undefined: `work` has a limit of its own. */
  readonly limitMs: number | undefined;
  /** The caller's own signal to stop. */
  readonly signal: AbortSignal | undefined;
  /** What was wanted, for the message: `cannot read s3://…`. */
  readonly wanted: string;
}

/**
 * Runs `work` until it ends, the limit passes, or the caller's signal aborts. `work` may ignore its
 * signal, as a credential helper that hangs does. Throws the signal's reason when the caller
 * stopped it, and S3_UNREACHABLE when the limit passed.
 */
export async function withinLimit<T>(
  { limitMs, signal, wanted }: TimeLimit,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const passOn = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', passOn, { once: true });
  const timer = limitMs && setTimeout(() => stop.abort(limitPassed(wanted, limitMs)), limitMs);
  const stopped = Promise.withResolvers<never>();
  stop.signal.addEventListener('abort', () => stopped.reject(stop.signal.reason), { once: true });
  try {
    return await Promise.race([stopped.promise, work(stop.signal)]);
  } catch (error) {
    // The error of the stopped `work` adds nothing to the timeout error.
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', passOn);
  }
}

function limitPassed(wanted: string, limitMs: number): CodedError {
  return new CodedError(`${wanted}: no complete answer within ${limitMs / 1000} s`, {
    code: 'S3_UNREACHABLE',
    next: 'check the network between here and S3, or raise s3.request_timeout',
    details: { limitMs },
  });
}
