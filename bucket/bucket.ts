import type { Readable } from 'node:stream';
import type { FileContent } from './file-content.ts';
import type { MultipartUploads } from './multipart.ts';

/**
 * The few S3 requests that Miyamoto needs, for agent and operator alike. `s3/sdk` and `s3/light`
 * implement them; one suite (test/s3/contract.ts) tests both. Every failure is a CodedError with an
 * S3_* code. Keys are whole object keys, tree prefix included (see `layout.ts`).
 */
export interface Bucket {
  /** The bucket's name, for messages. */
  readonly name: string;
  /**
   * Reads a small object whole. Throws S3_TOO_LARGE as soon as more than `maxBytes` arrive, and
   * S3_NOT_FOUND when the key is missing. Where the caller may not list, S3 answers 403 for a
   * missing key: S3_ACCESS_DENIED.
   */
  get(key: string, options: GetOptions): Promise<GetResult>;
  /**
   * Opens a large object as a stream. The caller counts the bytes, and reads or destroys the body.
   */
  open(key: string, options?: OpenOptions): Promise<OpenResult>;
  /**
   * Writes a whole object. Throws S3_PRECONDITION_FAILED when a condition does not hold (412, 409).
   */
  put(key: string, body: Uint8Array | FileContent, options?: PutOptions): Promise<PutResult>;
  /** Uploads of objects that are too large for one request. */
  readonly multipart: MultipartUploads;
  /** Lists the objects below a prefix in order of key, page by page. */
  list(prefix: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<ListedObject>;
  /**
   * Removes an object. A missing key is not an error, except with `ifMatch`, the ETag that the
   * object must still have: S3_PRECONDITION_FAILED or S3_NOT_FOUND. A store may ignore it.
   */
  remove(key: string, options?: { readonly ifMatch?: Etag }): Promise<void>;
  /**
   * A command line of the AWS CLI that reaches this store, for a person. `words` are what follows
   * `aws`, for example `s3 ls s3://bucket/`.
   */
  awsCommand(words: string): string;
  /** Frees sockets. */
  close(): void;
}

/** What a host needs of a bucket: it uploads only small objects, and may not list. */
export interface HostBucket
  extends Omit<Bucket, 'awsCommand' | 'list' | 'multipart' | 'put' | 'remove'> {
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<PutResult>;
}

export interface GetOptions {
  readonly maxBytes: number;
  /**
   * An ETag as `get` returned it: an unchanged object is answered by `{ kind: 'not-modified' }`.
   */
  readonly ifNoneMatch?: Etag;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export type GetResult =
  | {
      readonly kind: 'object';
      readonly bytes: Buffer;
      readonly etag: Etag;
      /** S3's `Date` header in ms since 1970. Over TLS only S3 itself can set it. */
      readonly serverDate: number | undefined;
    }
  | { readonly kind: 'not-modified'; readonly serverDate: number | undefined };

/**
 * Strong, with its quotes; undefined when the store gave none that is safe to send back (see
 * `etag.ts`).
 */
export type Etag = string | undefined;

export interface OpenOptions {
  /**
   * Continues a download of which the first `bytes` are already here. Throws S3_PRECONDITION_FAILED
   * when its ETag changed.
   */
  readonly resume?: { readonly bytes: number; readonly etag: string };
  /** Aborts the request, and also the body while it is being read. */
  readonly signal?: AbortSignal;
}

export interface OpenResult {
  readonly body: Readable;
  /**
   * Offset of the first byte of the body in the object. It is 0 or left out when the body is the
   * whole object, also when the server ignored `resume`.
   */
  readonly from?: number;
  /** Content-Length of the body, when the server gave one. */
  readonly length: number | undefined;
  readonly etag: Etag;
  /** S3's clock, ms since 1970, as in `GetResult`. */
  readonly serverDate?: number | undefined;
}

export interface PutOptions {
  /** ETag that the object must still have. */
  readonly ifMatch?: string;
  /** True: write only when no object has this key. */
  readonly createOnly?: boolean;
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface PutResult {
  readonly etag: Etag;
}

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  readonly etag: Etag;
  /** ms since 1970, by S3's clock. */
  readonly lastModified: number;
}
