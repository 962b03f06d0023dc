import type { Readable } from 'node:stream';
import { CodedError } from '../../shared/coded-error.ts';
import { answerOf } from './answer.ts';
import { translateErrors } from './body.ts';
import { describeWanted, type S3Wanted, s3Error } from './errors.ts';
import type { S3Settings } from './settings.ts';
import { withinLimit } from './time-limit.ts';

/**
 * The limit of a small request is `request_timeout` times this: one silent attempt, the next one,
 * and the waits between them.
 */
const SILENCES_PER_REQUEST = 3;
/** An upload also gets the time that it needs on a line of 10 kB/s. */
const SLOWEST_UPLOAD_BYTES_PER_MS = 10;

export interface RequestOptions {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One request with all its attempts, under the time limit. Every failure is a CodedError. */
export type RunRequest = <T>(
  verb: S3Wanted['verb'],
  key: string,
  options: RequestOptions,
  work: (signal: AbortSignal, wanted: S3Wanted) => Promise<T>,
) => Promise<T>;

/**
 * What both S3 clients do around a request. `prepare` finds credentials and region first and
 * returns the region; its errors are passed on.
 */
export function requestRunner(
  bucket: string,
  settings: S3Settings,
  prepare: (wanted: S3Wanted) => Promise<string>,
): RunRequest {
  const { endpoint, region } = settings;
  return (verb, key, { timeoutMs = requestLimitMs(settings), signal }, work) => {
    const wanted = { verb, bucket, key, endpoint, region };
    const limit = { limitMs: timeoutMs, signal, wanted: describeWanted(wanted) };
    return withinLimit(limit, async (stop) => {
      const found = { ...wanted, region: await prepare(wanted) };
      try {
        return await work(stop, found);
      } catch (error) {
        throw translated(found, error);
      }
    });
  };
}

/** The time limit of an upload, in ms. */
export function uploadLimitMs(settings: S3Settings, bytes: number): number {
  return requestLimitMs(settings) + bytes / SLOWEST_UPLOAD_BYTES_PER_MS;
}

function requestLimitMs(settings: S3Settings): number {
  return settings.request_timeout.seconds * 1000 * SILENCES_PER_REQUEST;
}

/**
 * A body whose errors are CodedErrors. `signal` is the caller's, and counts as long as the body
 * lasts.
 */
export function openedBody(
  body: Readable,
  wanted: S3Wanted,
  signal: AbortSignal | undefined,
): Readable {
  return translateErrors(body, (error) =>
    signal?.aborted === true ? asError(signal.reason) : translated(wanted, error),
  );
}

function translated(wanted: S3Wanted, error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  return s3Error(wanted, answerOf(error), { nowMs: Date.now(), cause: error });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
