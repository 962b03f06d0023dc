import { jsonObject } from '../../shared/json.ts';
import type { S3Answer } from './errors.ts';

/**
 * Reads what the SDK threw. Its errors have no one class: those of S3 carry the fields of S3's XML and the response,
 * those of the network are Node's own, and an answer that is no XML is a plain Error with the response attached.
 */
export function answerOf(thrown: unknown): S3Answer {
  const error = jsonObject(thrown);
  const metadata = jsonObject(error['$metadata']);
  const headers = jsonObject(jsonObject(error['$response'])['headers']);
  return {
    code: text(error['Code']) ?? text(error['code']) ?? text(error['name']) ?? 'Unknown',
    status: number(metadata['httpStatusCode']),
    words: text(error['message']) ?? '',
    region: text(error['Region']) ?? text(headers['x-amz-bucket-region']),
    serverTime: time(error['ServerTime']) ?? time(headers['date']),
    attempts: number(metadata['attempts']),
  };
}

/** A Date header in ms since 1970. */
export function time(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
