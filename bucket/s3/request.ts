import type { Readable } from 'node:stream';
import { CodedError } from '../../shared/coded-error.ts';
import { answerOf } from './answer.ts';
import { translateErrors } from './body.ts';
import { trustMoreAfter } from './connection/trust-store.ts';
import type { S3Wanted } from './errors/answer-meaning.ts';
import { describeWanted, s3Error } from './errors/errors.ts';
import type { S3Settings } from './settings.ts';
import { withinLimit } from './time-limit.ts';

/*
 * What both S3 clients share: settings.ts, the time limits (time-limit.ts), and one coded error for
 * each answer (errors.ts). sdk/ and light/ implement the requests.
 */

/**
 * The limit of a small request is `request_timeout` times this: one silent attempt, the next one,
 * and the waits between them.
 */
const SILENCES_PER_REQUEST = 3;
/** An upload gets additional time: what its bytes need at 10 kB/s. */
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
 * The part of a request that both S3 clients share. `prepare` first finds credentials and region,
 * and returns the region; its errors are passed on, and it has a limit of its own. When the
 * authority of the server is unknown and more can be trusted, the request is made once more.
 */
export function requestRunner(
  bucket: string,
  settings: S3Settings,
  prepare: (wanted: S3Wanted) => Promise<string>,
): RunRequest {
  const { endpoint, region, profile, ca_file } = settings;
  return async (verb, key, { timeoutMs = requestLimitMs(settings), signal }, work) => {
    const wanted = { verb, bucket, key, endpoint, region, profile, ca_file };
    const limit = { signal, wanted: describeWanted(wanted) };
    const trying = async () => {
      const prepared = withinLimit({ ...limit, limitMs: undefined }, () => prepare(wanted));
      const found = { ...wanted, region: await prepared };
      return await withinLimit({ ...limit, limitMs: timeoutMs }, async (stop) => {
        try {
          return await work(stop, found);
        } catch (error) {
          throw translated(found, error);
        }
      });
    };
    try {
      return await trying();
    } catch (error) {
      if (!trustMoreAfter(error)) throw error;
      return await trying();
    }
  };
}

/** The time limit of an upload, in ms. */
export function uploadLimitMs(settings: S3Settings, bytes: number): number {
  return requestLimitMs(settings) + bytes / SLOWEST_UPLOAD_BYTES_PER_MS;
}

/** The time limit of a small request, and of a look-up of credentials, in ms. */
export function requestLimitMs(settings: S3Settings): number {
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
