import { BaseFetcher } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import type { GetResult } from '../../bucket/bucket.ts';
import { CodedError } from '../../shared/coded-error.ts';
import { maxBytesOf } from '../metadata/file-limits.ts';
import type { MetadataSource } from '../metadata/source.ts';
import { identifyMetadata, inspectMetadata } from './inspect.ts';

/** Time limit for one whole metadata file, however slowly its bytes arrive. */
const FILE_TIMEOUT_MS = 10_000;

/** The library needs a URL to build others from. No connection is made to it. */
export const METADATA_BASE_URL = 'https://metadata.invalid/';

export interface FetcherOptions {
  readonly treeId: string;
  /** timestamp.json, fetched before by one conditional GET. */
  readonly timestamp: Buffer;
  /** Where files come from; undefined: nothing is fetched. */
  readonly source: MetadataSource | undefined;
  /** Where newer roots come from; undefined: no root is fetched. */
  readonly rootSource: MetadataSource | undefined;
  /** For publishers: the session looks at the content of delegated roles. */
  readonly acceptUnreadable: boolean;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gives files to the TUF library. The library replaces our errors with its own text, so `failure`
 * keeps the first one. The fetcher of the library writes to the temporary directory of the system;
 * this one writes nothing.
 */
export class MetadataFetcher extends BaseFetcher {
  /** The error that ended the fetching. */
  failure: unknown;
  /** The source has no newer root (TUF 5.3.3). */
  askedForRoot = false;
  /**
   * Roots as fetched, by file name. Some may not be verified: the library reports the newest
   * verified version.
   */
  readonly roots = new Map<string, Buffer>();
  readonly #options: FetcherOptions;

  constructor(options: FetcherOptions) {
    super();
    this.#options = options;
  }

  override fetch(): Promise<never> {
    return Promise.reject(new TypeError('metadata is fetched whole, by downloadBytes'));
  }

  override async downloadBytes(url: string, maxBytes: number): Promise<Buffer> {
    const file = url.slice(METADATA_BASE_URL.length);
    try {
      if (file === 'timestamp.json') return this.#options.timestamp;
      if (file.endsWith('.root.json')) return await this.#root(file, maxBytes);
      // A thief of the online key can sign any length of any file.
      const most = Math.min(maxBytes, maxBytesOf(file));
      return await this.#file(this.#options.source, file, most);
    } catch (error) {
      if (!(error instanceof DownloadHTTPError)) this.failure ??= error;
      throw error;
    }
  }

  /** Only this error class tells the library that no newer root exists (TUF 5.3.3). */
  async #root(file: string, maxBytes: number): Promise<Buffer> {
    const { rootSource } = this.#options;
    if (rootSource === undefined) throw new DownloadHTTPError('not asked for', 404);
    const bytes = await this.#file(rootSource, file, maxBytes).catch(undefinedIfMissing);
    if (bytes === undefined) {
      this.askedForRoot = true;
      throw new DownloadHTTPError('no newer root', 404);
    }
    this.roots.set(file, bytes);
    return bytes;
  }

  async #file(source: MetadataSource | undefined, file: string, maxBytes: number): Promise<Buffer> {
    if (source === undefined) throw new DownloadHTTPError('not asked for', 404);
    const { bytes } = await getFile(source, file, { ...this.#options, maxBytes });
    const { acceptUnreadable, treeId } = this.#options;
    if (acceptUnreadable && isDelegated(file)) identifyMetadata(bytes, file, treeId);
    else inspectMetadata(bytes, file, treeId);
    return bytes;
  }
}

function isDelegated(file: string): boolean {
  return !/^\d+\.(root|snapshot|targets)\.json$/.test(file);
}

interface GetFileOptions {
  readonly maxBytes: number;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

type WholeFile = Extract<GetResult, { kind: 'object' }>;

/**
 * Fetches one file within the time limit. Throws METADATA_MISSING when it is missing. Other S3_*
 * codes are passed on, among them S3_ACCESS_DENIED, which S3 answers for a missing key when the
 * caller may not list.
 */
export async function getFile(
  source: MetadataSource,
  file: string,
  options: GetFileOptions & { readonly ifNoneMatch: string | undefined },
): Promise<GetResult>;
export async function getFile(
  source: MetadataSource,
  file: string,
  options: GetFileOptions,
): Promise<WholeFile>;
export async function getFile(
  source: MetadataSource,
  file: string,
  options: GetFileOptions & { readonly ifNoneMatch?: string | undefined },
): Promise<GetResult> {
  const { maxBytes, ifNoneMatch, timeoutMs = FILE_TIMEOUT_MS } = options;
  const condition = ifNoneMatch === undefined ? {} : { ifNoneMatch };
  const stop = options.signal === undefined ? {} : { signal: options.signal };
  try {
    const answer = await source.get(file, { maxBytes, timeoutMs, ...condition, ...stop });
    if (answer.kind === 'not-modified' && ifNoneMatch === undefined) throw unasked(file);
    return answer;
  } catch (cause) {
    if (cause instanceof CodedError && cause.code === 'S3_NOT_FOUND') throw missing(file, cause);
    throw cause;
  }
}

/** Any other refusal (skewed clock, expired token) must not hide a root: invariant I13. */
function undefinedIfMissing(error: unknown): undefined {
  const code = error instanceof CodedError ? error.code : undefined;
  if (code !== 'METADATA_MISSING' && code !== 'S3_ACCESS_DENIED') throw error;
}

function missing(file: string, cause?: unknown): CodedError {
  return new CodedError(`${file} is missing`, {
    code: 'METADATA_MISSING',
    cause,
    next: 'check bucket and tree in the configuration; look at the bucket with mm doctor',
    details: { file },
  });
}

function unasked(file: string): CodedError {
  return new CodedError(`${file}: the answer to a request without a condition was "not modified"`, {
    code: 'S3_FAILED',
    next: 'look for a proxy or cache between this host and S3',
    details: { file },
  });
}
