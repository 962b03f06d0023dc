import type { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type PutObjectCommandInput,
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
import { FileContent } from '../../file-content.ts';
import { answerOf, time } from '../answer.ts';
import { firstByte, readBounded } from '../body.ts';
import { effectiveSettings } from '../effective-settings.ts';
import { awsCommand } from '../errors/aws-command.ts';
import { tooLarge } from '../errors/errors.ts';
import {
  openedBody,
  type RequestOptions,
  type RunRequest,
  requestRunner,
  uploadLimitMs,
} from '../request.ts';
import type { S3Settings } from '../settings.ts';
import { isWorthARetry } from '../signing-clock.ts';
import { createS3Client, prepareClient } from './client.ts';
import { S3Multipart } from './sdk-multipart.ts';
import { signWith } from './sign-with.ts';

/**
 * A bucket in S3 or in a store that speaks S3. Opening it sends nothing; the first request looks
 * for credentials and region. Retries are the SDK's: network, 5xx, 503 SlowDown with Retry-After
 * (at most 5 s above its own delay), and a skewed clock, whose offset it learns from the first
 * refusal. A body that breaks off is not retried. When the answer to a conditional write is lost,
 * the retry finds the object of the first attempt. S3_PRECONDITION_FAILED with `details.attempts`
 * above 1 can therefore mean success: the caller must compare the bytes. Throws CONFIG_INVALID.
 */
export async function openBucket(name: string, settings: S3Settings): Promise<Bucket> {
  // biome-ignore lint/style/noProcessEnv: where the SDK itself looks
  const effective = await effectiveSettings(name, settings, process.env);
  return new S3Bucket(name, effective.settings);
}

class S3Bucket implements Bucket {
  readonly name: string;
  readonly multipart: S3Multipart;
  readonly #settings: S3Settings;
  readonly #client: S3Client;
  readonly #request: RunRequest;

  constructor(name: string, settings: S3Settings) {
    this.name = name;
    this.#settings = settings;
    this.#client = createS3Client(settings);
    this.#request = requestRunner(name, settings, (wanted) => prepareClient(this.#client, wanted));
    this.multipart = new S3Multipart({
      ...{ bucket: name, settings, client: this.#client, request: this.#request },
      send: (request) => this.#send(request),
    });
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
      const serverDate = watchDate(command);
      const answer = await this.#send(() => this.#client.send(command, { abortSignal }));
      const body = openedBody(answer.Body as Readable, wanted, signal);
      const from = firstByte(answer.ContentRange);
      const { ContentLength: length, ETag } = answer;
      return { body, from, length, etag: strongEtag(ETag), serverDate: serverDate() };
    });
  }

  async put(
    key: string,
    body: Uint8Array | FileContent,
    options: PutOptions = {},
  ): Promise<PutResult> {
    const { ifMatch, createOnly, contentType, cacheControl, signal } = options;
    const length = body instanceof FileContent ? body.length : body.byteLength;
    const timeoutMs = options.timeoutMs ?? uploadLimitMs(this.#settings, length);
    const content = await this.#contentOf(body);
    return this.#request('write', key, { timeoutMs, signal }, async (abortSignal) => {
      const command = new PutObjectCommand({
        Bucket: this.name,
        Key: key,
        ...content,
        ContentType: contentType,
        CacheControl: cacheControl,
        IfNoneMatch: createOnly === true ? '*' : undefined,
        // Ceph compares the quotes as well, so quoted values never match there; AWS and MinIO
        // accept both forms.
        IfMatch: ifMatch?.replaceAll('"', ''),
      });
      if (body instanceof FileContent) signWith(command, body.sha256);
      const { ETag } = await this.#send(() => this.#client.send(command, { abortSignal }));
      return { etag: strongEtag(ETag) };
    });
  }

  async remove(
    key: string,
    { ifMatch }: { readonly ifMatch?: string | undefined } = {},
  ): Promise<void> {
    await this.#request('remove', key, {}, async (abortSignal) => {
      const command = new DeleteObjectCommand({
        ...{ Bucket: this.name, Key: key },
        IfMatch: ifMatch?.replaceAll('"', ''),
      });
      await this.#send(() => this.#client.send(command, { abortSignal }));
    });
  }

  /**
   * Length and checksum are known before anything is sent: a stream without them needs a trailer,
   * which some stores refuse.
   */
  async #contentOf(body: Uint8Array | FileContent): Promise<Content> {
    if (!(body instanceof FileContent)) {
      return { Body: Buffer.from(body.buffer, body.byteOffset, body.byteLength) };
    }
    const content = { Body: body as unknown as Buffer, ContentLength: body.length };
    const checksums = await this.#client.config.requestChecksumCalculation();
    if (checksums === 'WHEN_REQUIRED') return content;
    return { ...content, ChecksumSHA256: Buffer.from(body.sha256, 'hex').toString('base64') };
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

  awsCommand(words: string): string {
    return awsCommand(words, this.#settings);
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
}

function listedObjects(page: ListObjectsV2CommandOutput): readonly ListedObject[] {
  return (page.Contents ?? []).flatMap(({ Key: key, Size: size = 0, ETag, LastModified }) =>
    key === undefined
      ? []
      : [{ key, size, etag: strongEtag(ETag), lastModified: LastModified?.getTime() ?? 0 }],
  );
}

type Content = Pick<PutObjectCommandInput, 'Body' | 'ContentLength' | 'ChecksumSHA256'>;

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
