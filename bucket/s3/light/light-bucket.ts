import type { IncomingMessage } from 'node:http';
import { SignatureV4 } from '@smithy/signature-v4';
import type {
  Etag,
  GetOptions,
  GetResult,
  HostBucket,
  OpenOptions,
  OpenResult,
  PutOptions,
  PutResult,
} from '../../bucket.ts';
import { strongEtag } from '../../etag.ts';
import { time } from '../answer.ts';
import { firstByte, readBounded } from '../body.ts';
import type { Credentials } from '../credentials/credential-chain.ts';
import type { S3Wanted } from '../errors/answer-meaning.ts';
import { credentialsMissing, tooLarge } from '../errors/errors.ts';
import { openedBody, type RunRequest, requestRunner, uploadLimitMs } from '../request.ts';
import type { S3Settings } from '../settings.ts';
import { SigningClock } from '../signing-clock.ts';
import { errorOf } from './answer.ts';
import { type HttpConnection, openConnection } from './http.ts';
import { objectPath, queryText, type S3Place } from './place.ts';
import { Retries } from './retry.ts';
import { Sha256 } from './sha256.ts';

/** What {@link openHostBucket} determined before it chose this client. */
export interface LightOptions {
  readonly settings: S3Settings;
  readonly region: string;
  readonly place: S3Place;
  readonly maxAttempts: number;
  readonly credentials: () => Promise<Credentials>;
  /** The URL of the proxy on the path, if there is one. */
  readonly proxy: string | undefined;
}

/**
 * The requests of a host, without the SDK's client. Loading that client costs four times as much as
 * all other code of the agent, and twice the memory of an idle daemon. Signature and retries are
 * the SDK's own. The two clients behave alike; one suite tests both (test/s3/contract.ts).
 */
export class LightBucket implements HostBucket {
  readonly name: string;
  readonly #options: LightOptions;
  readonly #request: RunRequest;
  readonly #connection: HttpConnection;
  readonly #retries: Retries;
  readonly #signer: SignatureV4;
  readonly #clock = new SigningClock();

  constructor(name: string, options: LightOptions) {
    const { settings, region, place, credentials } = options;
    this.name = name;
    this.#options = options;
    this.#request = requestRunner(name, settings, (wanted) => this.#prepare(wanted));
    this.#connection = openConnection(place, settings, options.proxy);
    this.#retries = new Retries(options.maxAttempts);
    this.#signer = new SignatureV4({
      service: 's3',
      region,
      credentials,
      sha256: Sha256,
      uriEscapePath: false, // unlike other services, S3 signs the path as it is sent
    });
  }

  async get(key: string, options: GetOptions): Promise<GetResult> {
    const { maxBytes, ifNoneMatch } = options;
    return await this.#request('read', key, options, async (signal, wanted) => {
      const condition = ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch };
      const answer = await this.#send('GET', key, { headers: condition, signal });
      const serverDate = time(answer.headers.date);
      if (answer.statusCode === 304) {
        answer.resume();
        return { kind: 'not-modified', serverDate };
      }
      const bytes = await readBounded(answer, { maxBytes, length: lengthOf(answer) });
      if (bytes === undefined) throw tooLarge(wanted, maxBytes);
      return { kind: 'object', bytes, etag: etagOf(answer), serverDate };
    });
  }

  /** Asks the bucket itself, for a list. What `parse` throws is S3_FAILED. */
  async query<T>(
    prefix: string,
    query: Readonly<Record<string, string>>,
    { parse, ...options }: GetOptions & { readonly parse: (text: string) => T },
  ): Promise<T> {
    const { maxBytes } = options;
    return await this.#request('list', prefix, options, async (signal, wanted) => {
      const answer = await this.#send('GET', '', { headers: {}, query, signal });
      const bytes = await readBounded(answer, { maxBytes, length: lengthOf(answer) });
      if (bytes === undefined) throw tooLarge(wanted, maxBytes);
      return parse(bytes.toString());
    });
  }

  async open(key: string, options: OpenOptions = {}): Promise<OpenResult> {
    const { signal, resume } = options;
    return await this.#request('read', key, options, async (untilHeaders, wanted) => {
      // The time limit ends with the headers; the caller's signal counts as long as the body lasts.
      const stop = signal === undefined ? untilHeaders : AbortSignal.any([untilHeaders, signal]);
      const headers = resume && { range: `bytes=${resume.bytes}-`, 'if-match': resume.etag };
      const answer = await this.#send('GET', key, { headers: headers ?? {}, signal: stop });
      const from = firstByte(answer.headers['content-range']);
      const body = openedBody(answer, wanted, signal);
      return { body, from, length: lengthOf(answer), etag: etagOf(answer) };
    });
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    const { settings } = this.#options;
    const timeoutMs = options.timeoutMs ?? uploadLimitMs(settings, body.byteLength);
    return await this.#request('write', key, { ...options, timeoutMs }, async (signal) => {
      const headers = { ...uploadHeaders(options), ...checksumHeaders(body, settings) };
      const answer = await this.#send('PUT', key, { headers, body, signal });
      // Nobody waits for its body, but an endless one must end.
      void readBounded(answer, { maxBytes: MAX_ANSWER_BYTES, length: undefined }).catch(() => {});
      return { etag: etagOf(answer) };
    });
  }

  close(): void {
    this.#connection.close();
  }

  /**
   * One request with all its attempts. Throws S3's errors in the shape of the SDK's, and network
   * errors as they are.
   */
  async #send(method: 'GET' | 'PUT', key: string, content: Content): Promise<IncomingMessage> {
    return await this.#retries.run(async () => {
      content.signal.throwIfAborted();
      const sentAt = Date.now();
      const { offsetMs } = this.#clock;
      const { body, query = {}, signal } = content;
      const path = objectPath(this.#options.place, key);
      const headers = await this.#signedHeaders(method, path, content);
      const sent = { method, path: `${path}${queryText(query)}`, headers, body, signal };
      const answer = await this.#connection.send(sent);
      this.#clock.learn(answer.headers, sentAt);
      const { statusCode = 0 } = answer;
      const isConditional = 'if-none-match' in content.headers && method === 'GET';
      if (statusCode < 300 || (statusCode === 304 && isConditional)) return answer;
      const error = await errorOf(answer);
      this.#clock.markCorrected(error, offsetMs);
      throw error;
    });
  }

  async #signedHeaders(
    method: string,
    path: string,
    { headers, body, query = {} }: Content,
  ): Promise<Readonly<Record<string, string>>> {
    const { hostname, host } = this.#options.place;
    const length = body === undefined ? {} : { 'content-length': `${body.byteLength}` };
    const all = { ...headers, ...length, host, 'user-agent': 'miyamoto' };
    const request = { method, protocol: 'https:', hostname, path, body, query, headers: all };
    const signed = await this.#signer.sign(request, { signingDate: this.#clock.now() });
    return signed.headers;
  }

  /**
   * A separate step, because the error of a provider, for example a refused AssumeRole, looks like
   * an error of S3.
   */
  async #prepare(wanted: S3Wanted): Promise<string> {
    await this.#options.credentials().catch((cause: unknown) => {
      throw credentialsMissing(wanted, cause);
    });
    return this.#options.region;
  }
}

/** S3's own are empty. */
const MAX_ANSWER_BYTES = 64 * 1024;

interface Content {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly query?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

function uploadHeaders(options: PutOptions): Record<string, string> {
  const { ifMatch, createOnly, contentType, cacheControl } = options;
  return {
    ...(contentType !== undefined && { 'content-type': contentType }),
    ...(cacheControl !== undefined && { 'cache-control': cacheControl }),
    ...(createOnly === true && { 'if-none-match': '*' }),
    // Ceph compares the quotes as well, so quoted values never match there; AWS and MinIO accept
    // both forms.
    ...(ifMatch !== undefined && { 'if-match': ifMatch.replaceAll('"', '') }),
  };
}

function checksumHeaders(body: Uint8Array, { checksums }: S3Settings): Record<string, string> {
  if (checksums === 'when-required') return {};
  // Loaded on demand: most cycles upload nothing.
  const { crc32 } = process.getBuiltinModule('node:zlib');
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return {
    'x-amz-sdk-checksum-algorithm': 'CRC32',
    'x-amz-checksum-crc32': checksum.toString('base64'),
  };
}

function lengthOf({ headers }: IncomingMessage): number | undefined {
  const length = headers['content-length'];
  return length === undefined ? undefined : Number(length);
}

function etagOf({ headers }: IncomingMessage): Etag {
  return strongEtag(headers.etag);
}
