import type { Readable } from 'node:stream';
import {
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type {
  Bucket,
  GetOptions,
  GetResult,
  ListedObject,
  OpenOptions,
  OpenResult,
  PutOptions,
  PutResult,
} from '../../bucket.ts';
import { strongEtag } from '../../etag.ts';
import { answerOf, time } from '../answer.ts';
import { firstByte, readBounded } from '../body.ts';
import { credentialsMissing, regionMissing, type S3Wanted, tooLarge } from '../errors.ts';
import {
  openedBody,
  type RequestOptions,
  type RunRequest,
  requestRunner,
  uploadLimitMs,
} from '../request.ts';
import type { S3Settings } from '../settings.ts';
import { isWorthARetry } from '../signing-clock.ts';
import { createS3Client } from './client.ts';

/**
 * A bucket in S3 or in a store that speaks S3. Opening it sends nothing; the first request looks
 * for credentials and region. Retries are the SDK's: network, 5xx, 503 SlowDown with Retry-After
 * (at most 5 s above its own delay), and a skewed clock, whose offset it learns from the first
 * refusal. A body that breaks off is not retried. When the answer to a conditional write is lost,
 * the retry finds the object that the first attempt wrote: S3_PRECONDITION_FAILED with
 * `details.attempts` above 1 may mean success, so the caller must compare the bytes.
 */
export function openBucket(name: string, settings: S3Settings): Bucket {
  return new S3Bucket(name, settings);
}

class S3Bucket implements Bucket {
  readonly name: string;
  readonly #settings: S3Settings;
  readonly #client: S3Client;
  readonly #request: RunRequest;

  constructor(name: string, settings: S3Settings) {
    this.name = name;
    this.#settings = settings;
    this.#client = createS3Client(settings);
    this.#request = requestRunner(name, settings, (wanted) => this.#prepare(wanted));
  }

  async get(key: string, options: GetOptions): Promise<GetResult> {
    const { maxBytes, ifNoneMatch } = options;
    return this.#request('read', key, options, async (signal, wanted) => {
      const command = new GetObjectCommand({
        Bucket: this.name,
        Key: key,
        IfNoneMatch: ifNoneMatch,
      });
      const serverDate = watchDate(command);
      try {
        const answer = await this.#send(() => this.#client.send(command, { abortSignal: signal }));
        const { Body, ContentLength: length } = answer;
        const etag = strongEtag(answer.ETag);
        const bytes = await readBounded(Body as Readable, { maxBytes, length });
        if (bytes === undefined) throw tooLarge(wanted, maxBytes);
        return { kind: 'object', bytes, etag, serverDate: serverDate() };
      } catch (error) {
        const { status, serverTime } = answerOf(error);
        if (status !== 304 || ifNoneMatch === undefined) throw error;
        return { kind: 'not-modified', serverDate: serverTime };
      }
    });
  }

  async open(key: string, options: OpenOptions = {}): Promise<OpenResult> {
    const { signal, resume } = options;
    return this.#request('read', key, options, async (untilHeaders, wanted) => {
      // The time limit ends with the headers; the caller's signal counts as long as the body lasts.
      const abortSignal =
        signal === undefined ? untilHeaders : AbortSignal.any([untilHeaders, signal]);
      const range = resume && { Range: `bytes=${resume.bytes}-`, IfMatch: resume.etag };
      const command = new GetObjectCommand({ Bucket: this.name, Key: key, ...range });
      const answer = await this.#send(() => this.#client.send(command, { abortSignal }));
      const body = openedBody(answer.Body as Readable, wanted, signal);
      const from = firstByte(answer.ContentRange);
      return { body, from, length: answer.ContentLength, etag: strongEtag(answer.ETag) };
    });
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    const { ifMatch, createOnly, contentType, cacheControl, signal } = options;
    const timeoutMs = options.timeoutMs ?? uploadLimitMs(this.#settings, body.byteLength);
    return this.#request('write', key, { timeoutMs, signal }, async (abortSignal) => {
      const command = new PutObjectCommand({
        Bucket: this.name,
        Key: key,
        // A Buffer has a length and a checksum before it is sent. A stream needs a trailer, which
        // some stores refuse.
        Body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
        ContentType: contentType,
        CacheControl: cacheControl,
        IfNoneMatch: createOnly === true ? '*' : undefined,
        // Ceph compares the quotes as well, so quoted values never match there; AWS and MinIO
        // accept both forms.
        IfMatch: ifMatch?.replaceAll('"', ''),
      });
      const { ETag } = await this.#send(() => this.#client.send(command, { abortSignal }));
      return { etag: strongEtag(ETag) };
    });
  }

  async *list(prefix: string, options: RequestOptions = {}): AsyncIterable<ListedObject> {
    let token: string | undefined;
    do {
      const input = { Bucket: this.name, Prefix: prefix, ContinuationToken: token };
      const page = await this.#request('list', prefix, options, (abortSignal) =>
        this.#send(() => this.#client.send(new ListObjectsV2Command(input), { abortSignal })),
      );
      yield* listedObjects(page);
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  close(): void {
    this.#client.destroy();
  }

  /**
   * Repeats a request that S3 refused as skewed when the SDK has changed its correction since. The
   * SDK itself does so only while the clock is off, so it fails once after a clock was put right.
   */
  async #send<T>(request: () => Promise<T>): Promise<T> {
    const { config } = this.#client;
    const before = config.systemClockOffset;
    try {
      return await request();
    } catch (error) {
      const { code, attempts = 1 } = answerOf(error);
      const mayRepeat = attempts < (await config.maxAttempts());
      if (!mayRepeat || !isWorthARetry(code, before, config.systemClockOffset)) throw error;
      return await request();
    }
  }

  /**
   * Returns the region, and makes the SDK cache the credentials. A separate step, because the error
   * of a provider (a refused AssumeRole, for example) looks like S3's own.
   */
  async #prepare(wanted: S3Wanted): Promise<string> {
    const { config } = this.#client;
    const region = await config.region().catch((cause: unknown) => {
      throw regionMissing(wanted, cause);
    });
    await config.credentials().catch((cause: unknown) => {
      throw credentialsMissing(wanted, cause);
    });
    return region;
  }
}

function listedObjects(page: ListObjectsV2CommandOutput): readonly ListedObject[] {
  return (page.Contents ?? []).flatMap(({ Key: key, Size: size = 0, ETag, LastModified }) =>
    key === undefined
      ? []
      : [{ key, size, etag: strongEtag(ETag), lastModified: LastModified?.getTime() ?? 0 }],
  );
}

/**
 * The Date header of the answer to that command, in ms since 1970. The SDK itself returns no
 * headers.
 */
function watchDate(command: GetObjectCommand): () => number | undefined {
  let date: number | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      date = time((result.response as { headers?: Record<string, string> }).headers?.['date']);
      return result;
    },
    { step: 'deserialize', priority: 'high' },
  );
  return () => date;
}
