import { Readable } from 'node:stream';
import type { Bucket, GetResult, OpenResult } from '../../bucket/bucket.ts';
import { CodedError, type ErrorCode } from '../../shared/coded-error.ts';
import type { MetadataGetOptions, MetadataSource } from '../../trust/metadata/source.ts';

/**
 * Presents a TUF repository on plain HTTP, as the suite serves it, as the bucket that the agent's
 * code expects.
 */
export class HttpMetadata implements MetadataSource {
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  async get(file: string, { maxBytes, signal }: MetadataGetOptions): Promise<GetResult> {
    const response = await request(join(this.#base, file), signal);
    const bytes = await readWhole(response, maxBytes);
    const etag = response.headers.get('etag') ?? '';
    return { kind: 'object', bytes, etag, serverDate: serverDate(response) };
  }
}

/**
 * The one target at an address, under any key: the names of the suite's targets do not contain
 * their hash.
 */
export function httpTarget(base: string, path: string): Pick<Bucket, 'name' | 'open'> {
  const url = join(base, path.split('/').map(encodeURIComponent).join('/'));
  return { name: url, open: (_key, options) => open(url, options?.signal) };
}

async function open(url: string, signal: AbortSignal | undefined): Promise<OpenResult> {
  const response = await request(url, signal);
  const declared = response.headers.get('content-length');
  const length = declared === null ? undefined : Number(declared);
  return { body: Readable.from(chunksOf(response)), length, etag: '' };
}

async function request(url: string, signal: AbortSignal | undefined): Promise<Response> {
  const response = await answer(url, signal);
  if (response.ok) return response;
  await response.body?.cancel();
  const codes: Record<number, ErrorCode> = { 403: 'S3_ACCESS_DENIED', 404: 'S3_NOT_FOUND' };
  const code = codes[response.status] ?? 'S3_FAILED';
  throw new CodedError(`${url}: HTTP ${response.status}`, { code });
}

async function answer(url: string, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(url, { redirect: 'error', signal: signal ?? null });
  } catch (cause) {
    signal?.throwIfAborted();
    throw new CodedError(`${url}: no answer`, { code: 'S3_UNREACHABLE', cause });
  }
}

async function readWhole(response: Response, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunksOf(response)) {
    length += chunk.length;
    if (length > maxBytes) {
      throw new CodedError(`${response.url}: more than ${maxBytes} bytes`, {
        code: 'S3_TOO_LARGE',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Leaving the loop early closes the connection. */
function chunksOf(response: Response): AsyncIterable<Uint8Array> {
  return response.body ?? Readable.from([]);
}

function serverDate(response: Response): number | undefined {
  const date = Date.parse(response.headers.get('date') ?? '');
  return Number.isNaN(date) ? undefined : date;
}

function join(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}/${path}`;
}
