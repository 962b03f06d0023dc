import { once } from 'node:events';
import type { GetResult } from '../../../bucket/bucket.ts';
import { CodedError, type ErrorCode } from '../../../shared/coded-error.ts';
import type { MetadataGetOptions, MetadataSource } from '../../../trust/metadata/source.ts';
import { sha256 } from './simulator-keys.ts';

/** What S3, or a thief with write access, does to requests for one file. */
export type Fault =
  | { readonly kind: 'error'; readonly code: ErrorCode }
  /** A body without end. */
  | { readonly kind: 'endless' }
  /** A body that is so slow that it never ends. */
  | { readonly kind: 'slow' };

export interface SeenRequest {
  readonly file: string;
  readonly answer: 'object' | 'not-modified' | 'error';
}

/** What TUF allows for the largest of its files. */
const LARGEST_BYTES = 5_000_000;
const SLOWEST_MS = 5_000;

/**
 * S3 for the reader: conditional GETs by ETag, a Date header, faults on demand. Counts each
 * request.
 */
export class SimulatedSource implements MetadataSource {
  readonly requests: SeenRequest[] = [];
  readonly faults = new Map<string, Fault>();
  /** False: a missing key is answered by 403 AccessDenied, as S3 does without s3:ListBucket. */
  mayList = true;
  /** S3's clock, ms since 1970; undefined: no Date header. */
  serverDate: number | undefined;
  readonly #files: () => ReadonlyMap<string, Buffer>;

  constructor(files: () => ReadonlyMap<string, Buffer>) {
    this.#files = files;
  }

  /** The files that were requested since the last call. */
  drainRequests(): string[] {
    return this.requests.splice(0).map(({ file }) => file);
  }

  async get(file: string, options: MetadataGetOptions): Promise<GetResult> {
    try {
      const result = await this.#answer(file, options);
      this.requests.push({ file, answer: result.kind });
      return result;
    } catch (error) {
      this.requests.push({ file, answer: 'error' });
      throw error;
    }
  }

  async #answer(
    file: string,
    { maxBytes, timeoutMs, ifNoneMatch, signal }: MetadataGetOptions,
  ): Promise<GetResult> {
    const fault = this.faults.get(file);
    if (fault?.kind === 'error') throw s3Error(fault.code, file);
    if (fault?.kind === 'endless' && maxBytes > LARGEST_BYTES) throw new Error('not bounded');
    if (fault?.kind === 'endless')
      throw s3Error('S3_TOO_LARGE', `${file} beyond ${maxBytes} bytes`);
    if (fault?.kind === 'slow') return await drip(file, timeoutMs, signal);
    const bytes = this.#files().get(file);
    if (bytes === undefined)
      throw s3Error(this.mayList ? 'S3_NOT_FOUND' : 'S3_ACCESS_DENIED', file);
    const { serverDate } = this;
    const etag = `"${sha256(bytes).slice(0, 32)}"`;
    if (etag === ifNoneMatch) return { kind: 'not-modified', serverDate };
    if (bytes.length > maxBytes) throw s3Error('S3_TOO_LARGE', `${file} beyond ${maxBytes} bytes`);
    return { kind: 'object', bytes, etag, serverDate };
  }
}

/**
 * Sends single bytes slowly. A signal or the limit ends it, as in an S3 client; it also ends after
 * a while when no limit was set.
 */
async function drip(
  file: string,
  timeoutMs: number | undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<never> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs ?? SLOWEST_MS);
  const ended = AbortSignal.any([signal, limit.signal]);
  try {
    if (!ended.aborted) await once(ended, 'abort');
  } finally {
    clearTimeout(timer);
  }
  if (!limit.signal.aborted) throw signal.reason;
  if (timeoutMs === undefined) throw new Error('a slow body, and no limit');
  throw s3Error('S3_UNREACHABLE', `${file}: not complete`);
}

function s3Error(code: ErrorCode, what: string): CodedError {
  return new CodedError(`simulated ${code}: ${what}`, { code });
}
