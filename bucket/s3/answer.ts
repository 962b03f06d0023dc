import { printable } from '../../shared/clean-text.ts';
import { jsonObject } from '../../shared/json.ts';
import type { S3Answer } from './errors/answer-meaning.ts';

/**
 * Reads what the SDK threw. Its errors have no common class: those of S3 carry the fields of S3's
 * XML and the response, those of the network are Node's own, and an answer that is not XML is a
 * plain Error with the response attached. The server controls every field, so each one is checked
 * against its expected form: a region, for example, goes into a command that people copy.
 */
export function answerOf(thrown: unknown): S3Answer {
  const error = jsonObject(thrown);
  const metadata = jsonObject(error['$metadata']);
  const headers = jsonObject(jsonObject(error['$response'])['headers']);
  return {
    code: word(error['Code']) ?? word(error['code']) ?? word(error['name']) ?? 'Unknown',
    status: number(metadata['httpStatusCode']),
    words: typeof error['message'] === 'string' ? printable(error['message'], 300) : '',
    region: region(error['Region']) ?? region(headers['x-amz-bucket-region']),
    serverTime: time(error['ServerTime']) ?? time(headers['date']),
    attempts: number(metadata['attempts']),
    retryAfterSeconds: retryAfter(headers),
  };
}

/** A Date header in ms since 1970. */
export function time(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** RFC 9110: whole seconds, or a date, which is compared with the server's own clock. */
function retryAfter(headers: Readonly<Record<string, unknown>>): number | undefined {
  const value = headers['retry-after'];
  if (typeof value !== 'string') return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const [at, now] = [time(value), time(headers['date'])];
  return at === undefined || now === undefined ? undefined : Math.max(0, (at - now) / 1000);
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:-]{1,64}$/.test(value) ? value : undefined;
}

function region(value: unknown): string | undefined {
  return typeof value === 'string' && /^[a-z0-9-]{1,64}$/.test(value) ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
