import type { Fault } from './faults.ts';

const FORTY_DAYS_MS = 40 * 86_400_000;
const REFUSALS = [
  [403, 'AccessDenied'],
  [403, 'RequestTimeTooSkewed'],
  [403, 'ExpiredToken'],
  [403, 'InvalidAccessKeyId'],
  [403, 'SignatureDoesNotMatch'],
  [404, 'NoSuchKey'],
  [404, 'NoSuchBucket'],
  [412, 'PreconditionFailed'],
  [500, 'InternalError'],
  [503, 'SlowDown'],
  [503, 'ServiceUnavailable'],
] as const;

const dated = (offsetMs: number): Fault => ({
  kind: 'headers',
  headers: { date: new Date(Date.now() + offsetMs).toUTCString() },
});

/** What a store, and the network before it, can do to one request. */
export const FAULT_KINDS: Readonly<Record<string, Fault>> = {
  ...Object.fromEntries(
    REFUSALS.map(([status, code]) => [code, { kind: 'status', status, code } as const]),
  ),
  'SlowDown for an hour': { kind: 'status', retryAfterSeconds: 3600 },
  slow: { kind: 'delay', ms: 5 },
  stalled: { kind: 'hang' },
  'stalled after a write': { kind: 'hang-after' },
  'stalled in the body': { kind: 'hang-body' },
  'byte by byte': { kind: 'trickle-body', everyMs: 1 },
  truncated: { kind: 'cut-body' },
  endless: { kind: 'endless-body' },
  'a Content-Length that is too small': { kind: 'headers', headers: { 'content-length': '10' } },
  'a Content-Length that is too large': { kind: 'headers', headers: { 'content-length': '99999' } },
  'a Date in the past': dated(-FORTY_DAYS_MS),
  'a Date in the future': dated(FORTY_DAYS_MS),
  'a Date that is no date': { kind: 'headers', headers: { date: 'yesterday' } },
  'an ETag of another object': { kind: 'headers', headers: { etag: '"0"' } },
  'a reset': { kind: 'reset' },
  'a reset after a write': { kind: 'reset-after' },
  'a page of a hotel': {
    kind: 'replace-body',
    replace: () => Buffer.from('<html>Welcome! Please log in.</html>'),
  },
  'a wrong bit': { kind: 'replace-body', replace: flipped },
};

/** Those that a client notices by its time limits only. */
export const SILENT: ReadonlySet<string> = new Set([
  'stalled',
  'stalled after a write',
  'stalled in the body',
  'byte by byte',
  // The client waits for the rest; it is too large for the empty answer to a write as well.
  'a Content-Length that is too small',
  'a Content-Length that is too large',
]);

function flipped(body: Buffer): Buffer {
  const changed = Buffer.from(body);
  if (changed.length > 0) changed[changed.length >> 1]! ^= 1;
  return changed;
}
