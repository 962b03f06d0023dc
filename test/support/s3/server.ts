import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { bucketPolicy } from './bucket-settings.ts';
import { FaultList, type Faults } from './faults.ts';
import { StoredUploads } from './multipart.ts';
import { carryOut } from './operations.ts';
import { isAllowed, type Policy, type Tags } from './policy.ts';
import { S3Refusal, type S3Reply } from './reply.ts';
import { parseRequest, readBody, type S3Request } from './request.ts';
import { send } from './send.ts';
import { claimedAccessKeyId, verifySignature } from './signature.ts';
import { S3Store, type StoredVersion } from './store.ts';

/**
 * The S3 server of tests, demo and benchmarks: in this process, in memory, on 127.0.0.1. It
 * verifies signatures and checksums, judges policies as IAM does, and has S3's conditional reads,
 * writes and deletes, its uploads in parts, and the versions of objects; a request that it does not
 * know is a 501. It has no presigned URLs.
 */
export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const server = new EmbeddedS3(options);
  await server.listen();
  return server;
}

export interface S3ServerOptions {
  /** By default us-east-1. */
  readonly region?: string;
  readonly users: readonly S3User[];
  /** Buckets that exist from the start. */
  readonly buckets: readonly string[];
  /** Answers over TLS with this certificate. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The bucket of a Host header; undefined where the path has it. */
  readonly bucketOf?: (host: string) => string | undefined;
  /** TLS ends at a proxy before this server: all requests look like plain HTTP. */
  readonly isBehindProxy?: boolean;
  /** Headers that it ignores, as a store without conditional writes does. In lower case. */
  readonly ignoredHeaders?: readonly string[];
  /** It ignores them only in a bucket with versioning, as Ceph 16 does. */
  readonly ignoresWithVersions?: boolean;
}

export interface S3User {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly policy: Policy;
  /** Of the caller's role or session. */
  readonly tags?: Tags;
}

export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  /**
   * Every request in the order of its arrival; the same array all the time, so that `length = 0`
   * clears it.
   */
  readonly requests: RequestLog[];
  readonly faults: Faults;
  /** The server's clock ahead of this host's: Date header, allowed skew, Last-Modified. */
  dateOffsetMs: number;
  /** `put` to `putSetting`: without signatures, policies and logs, for attacks and inspection. */
  put(bucket: string, key: string, body: Uint8Array | string): void;
  get(bucket: string, key: string): Buffer | undefined;
  delete(bucket: string, key: string): void;
  keys(bucket: string): readonly string[];
  versions(bucket: string): readonly StoredVersion[];
  /** A setting of the bucket as it was put, such as `lifecycle`. Undefined: not set. */
  setting(bucket: string, name: string): string | undefined;
  putSetting(bucket: string, name: string, body: string): void;
  /** Uploads that were begun and not ended: key, and number of parts. */
  pendingUploads(bucket: string): ReturnType<StoredUploads['pending']>;
  /** Resolves when no client is connected any more. The server itself closes no connection. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export interface RequestLog {
  readonly method: string;
  readonly bucket: string;
  readonly key: string;
  /** Decoded, for example `list-type=2&prefix=ubuntu/`. */
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  /** As the request claims, verified or not; undefined for an anonymous one. */
  readonly accessKeyId: string | undefined;
  /** 0 until answered, and for what got no answer. */
  status: number;
  /** Bytes on the wire, headers included. */
  requestBytes: number;
  responseBytes: number;
}

class EmbeddedS3 implements S3Server {
  readonly region: string;
  readonly requests: RequestLog[] = [];
  readonly faults = new FaultList();
  dateOffsetMs = 0;
  readonly #users: ReadonlyMap<string, S3User>;
  readonly #store = new S3Store();
  readonly #uploads = new StoredUploads();
  readonly #server: Server;
  readonly #scheme: 'http' | 'https';
  readonly #bucketOf: NonNullable<S3ServerOptions['bucketOf']>;
  readonly #options: S3ServerOptions;
  readonly #sockets = new Set<Socket>();

  constructor(options: S3ServerOptions) {
    const { region = 'us-east-1', users, buckets, tls, bucketOf } = options;
    this.region = region;
    this.#options = options;
    this.#scheme = tls === undefined ? 'http' : 'https';
    this.#bucketOf = bucketOf ?? (() => undefined);
    const serve = (request: IncomingMessage, response: ServerResponse) =>
      void this.#serve(request, response);
    this.#server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
    this.#users = new Map(users.map((user) => [user.accessKeyId, user]));
    for (const bucket of buckets) this.#store.createBucket(bucket);
    // The client decides how long a connection stays open.
    this.#server.keepAliveTimeout = 0;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  listen(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    return promise;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get endpoint(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  put(bucket: string, key: string, body: Uint8Array | string): void {
    const lastModified = this.#now();
    this.#store.put(bucket, { key, body: Buffer.from(body), lastModified, headers: {} });
  }

  get(bucket: string, key: string): Buffer | undefined {
    return this.#store.find(bucket, key)?.body;
  }

  delete(bucket: string, key: string): void {
    this.#store.delete(bucket, key);
  }

  keys(bucket: string): readonly string[] {
    return this.#store.keys(bucket);
  }

  versions(bucket: string): readonly StoredVersion[] {
    return this.#store.versions(bucket);
  }

  setting(bucket: string, name: string): string | undefined {
    return this.#store.settings(bucket).get(name)?.toString();
  }

  putSetting(bucket: string, name: string, body: string): void {
    this.#store.settings(bucket).set(name, Buffer.from(body));
  }

  pendingUploads(bucket: string) {
    return this.#uploads.pending(bucket);
  }

  async idle(): Promise<void> {
    while (this.#sockets.size > 0)
      await Promise.all([...this.#sockets].map((socket) => once(socket, 'close')));
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    this.#server.closeAllConnections();
    await closed.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const request = parseRequest(incoming, this.#bucketOf(incoming.headers.host ?? ''));
      const log = logEntry(request);
      this.requests.push(log);
      countBytes(incoming.socket, response, log);
      await this.#reply(request, await readBody(incoming), { response, log });
    } catch (error) {
      // The client has gone, or did not send a request: no answer is read.
      incoming.socket.destroy(error as Error);
    }
  }

  async #reply(
    request: S3Request,
    body: Buffer,
    { response, log }: { readonly response: ServerResponse; readonly log: RequestLog },
  ): Promise<void> {
    const { method, key, query, accessKeyId = '' } = log;
    const fault = this.faults.take({ method, key, query, body, accessKeyId });
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') return void response.socket?.resetAndDestroy();
    if (fault?.kind === 'delay') await delay(fault.ms);
    const reply =
      fault?.kind === 'status'
        ? new S3Refusal(fault.status ?? 503, fault.code ?? 'SlowDown').toReply(retryAfter(fault))
        : this.#answer(request, body);
    if (fault?.kind === 'hang-after') return;
    if (fault?.kind === 'reset-after') return void response.socket?.resetAndDestroy();
    log.status = reply.status;
    send(response, reply, { date: this.#now(), fault });
  }

  #answer(request: S3Request, body: Buffer): S3Reply {
    const nowMs = this.#now().getTime();
    const { region } = this;
    try {
      const findSigner = (accessKeyId: string) => this.#users.get(accessKeyId);
      const { policy, tags } = verifySignature(request, body, { region, nowMs, findSigner });
      // As AWS does: a bucket that does not exist has no policy.
      if (request.key !== '') this.#store.requireBucket(request.bucket);
      const all = [...policy, ...bucketPolicy(this.#store, request.bucket)];
      const isSecure = this.#scheme === 'https' && this.#options.isBehindProxy !== true;
      return carryOut(this.#withoutIgnored(request), {
        store: this.#store,
        uploads: this.#uploads,
        region,
        nowMs,
        body,
        may: (access) => isAllowed(all, { ...access, isSecure }, tags),
      });
    } catch (error) {
      if (error instanceof S3Refusal) return error.toReply();
      // A fault of this server itself; the message is for the reader of the failed test.
      return new S3Refusal(500, 'InternalError', { Reason: String(error) }).toReply();
    }
  }

  #withoutIgnored(request: S3Request): S3Request {
    const { ignoredHeaders = [], ignoresWithVersions = false } = this.#options;
    if (ignoresWithVersions && !this.#store.isVersioned(request.bucket)) return request;
    const kept = Object.entries(request.headers).filter(([name]) => !ignoredHeaders.includes(name));
    return { ...request, headers: Object.fromEntries(kept) };
  }

  #now(): Date {
    return new Date(Date.now() + this.dateOffsetMs);
  }
}

function logEntry(request: S3Request): RequestLog {
  return {
    method: request.method,
    bucket: request.bucket,
    key: request.key,
    query: [...request.query].map(([name, value]) => `${name}=${value}`).join('&'),
    headers: request.headers,
    accessKeyId: claimedAccessKeyId(request),
    status: 0,
    requestBytes: 0,
    responseBytes: 0,
  };
}

function retryAfter({ retryAfterSeconds }: { readonly retryAfterSeconds?: number }) {
  return retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
}

/** What earlier requests on the same connection have taken. */
const counted = new WeakMap<Socket, { readonly read: number; readonly written: number }>();

function countBytes(socket: Socket, response: ServerResponse, log: RequestLog): void {
  response.once('close', () => {
    const before = counted.get(socket) ?? { read: 0, written: 0 };
    const now = { read: socket.bytesRead, written: socket.bytesWritten };
    log.requestBytes = now.read - before.read;
    log.responseBytes = now.written - before.written;
    counted.set(socket, now);
  });
}
