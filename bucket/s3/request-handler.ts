import { createReadStream, openSync } from 'node:fs';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable, Transform } from 'node:stream';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { FileContent } from '../file-content.ts';
import { readBounded } from './body.ts';
import { nameCertificate } from './connection/peer-certificate.ts';
import { nameProxy, proxyEnvironment, proxyFor } from './connection/proxy.ts';
import type { S3Settings } from './settings.ts';

/** As many connections to one server as the SDK's own handler opens. */
const MAX_SOCKETS = 50;

type Handle = NodeHttpHandler['handle'];

/**
 * The SDK's HTTP handler, for S3 and for the services that issue credentials. It has one handler
 * for each proxy and one for direct connections, because Node's agents do not support all of curl's
 * `NO_PROXY`.
 */
export class RequestHandler {
  /** The SDK reads the HTTP version from this object. */
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #settings: S3Settings;
  readonly #connections = new Map<string | undefined, Connections>();

  constructor(settings: S3Settings) {
    this.#settings = settings;
  }

  async handle(...[request, options]: Parameters<Handle>): ReturnType<Handle> {
    const hostname = request.hostname.replace(/^\[|\]$/g, '');
    const port = request.port === undefined ? undefined : String(request.port);
    const target = { isTls: request.protocol === 'https:', hostname, port };
    // biome-ignore lint/style/noProcessEnv: the proxy is set where the SDK finds region and credentials
    const proxy = proxyFor(target, this.#settings.proxy, process.env);
    const { handler, agent } = this.#connectionsBy(proxy);
    using body = bodyOf(request.body);
    try {
      const answer = await handler.handle(Object.assign(request, body.replaced), options);
      return { response: await withBoundedBody(request, answer.response) };
    } catch (error) {
      if (target.isTls) await nameCertificate(error, { hostname, port, agent });
      nameProxy(error, proxy);
      throw error;
    }
  }

  updateHttpClientConfig(): void {
    // The settings decide.
  }

  httpHandlerConfigs(): object {
    return {};
  }

  destroy(): void {
    for (const { handler } of this.#connections.values()) handler.destroy();
    this.#connections.clear();
  }

  #connectionsBy(proxy: string | undefined): Connections {
    const known = this.#connections.get(proxy);
    if (known !== undefined) return known;
    const opened = openConnections(this.#settings, proxy);
    this.#connections.set(proxy, opened);
    return opened;
  }
}

/** S3's own errors take less than 1 kB. */
const MAX_ERROR_BYTES = 64 * 1024;
/** A page of a list has at most 1,000 keys of 1,024 bytes, each of which may be encoded. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * The SDK reads every body but that of an object to its end, and an endless one would take all
 * memory. What is too long counts as empty where the status says enough.
 */
async function withBoundedBody(
  { method, query }: Parameters<Handle>[0],
  response: HttpResponse,
): Promise<HttpResponse> {
  const isError = response.statusCode >= 300;
  if (!isError && query['x-id'] === 'GetObject') return response;
  const maxBytes = isError ? MAX_ERROR_BYTES : MAX_ANSWER_BYTES;
  const bytes = await readBounded(response.body as Readable, { maxBytes, length: undefined });
  if (bytes === undefined && !isError && method !== 'PUT') {
    throw new Error(`the answer has more than ${maxBytes} bytes`);
  }
  response.body = Readable.from(bytes === undefined ? [] : [bytes]);
  return response;
}

type HttpResponse = Awaited<ReturnType<Handle>>['response'];

/**
 * Opens the file of a body for one attempt. The SDK signs the body that it was given, and gives it
 * to the next attempt again.
 */
function bodyOf(body: unknown): Disposable & { readonly replaced: { readonly body?: Readable } } {
  if (!(body instanceof FileContent)) return { replaced: {}, [Symbol.dispose]: () => undefined };
  const file = openSync(body.path, 'r');
  const { offset: start, length, onSent } = body;
  const range = length > 0 ? { start, end: start + length - 1 } : {};
  const stream = createReadStream(body.path, { fd: file, highWaterMark: CHUNK_BYTES, ...range });
  // The connection then falls silent, and its time limit ends the attempt.
  stream.on('error', () => undefined);
  const sent = onSent === undefined ? stream : stream.pipe(counting(onSent));
  return { replaced: { body: sent }, [Symbol.dispose]: () => stream.destroy() };
}

const CHUNK_BYTES = 256 * 1024;

/** Passes the bytes on, and says how many have passed. */
function counting(onBytes: (bytes: number) => void): Transform {
  let bytes = 0;
  return new Transform({
    highWaterMark: CHUNK_BYTES,
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      onBytes(bytes);
      done(null, chunk);
    },
  });
}

interface Connections {
  readonly handler: NodeHttpHandler;
  readonly agent: HttpsAgent;
}

function openConnections(settings: S3Settings, proxy: string | undefined): Connections {
  const silenceMs = settings.request_timeout.seconds * 1000;
  const options = {
    keepAlive: true,
    maxSockets: MAX_SOCKETS,
    proxyEnv: proxyEnvironment(proxy),
    // Close idle connections here: a NAT on the way drops them without a packet to either side.
    timeout: silenceMs,
  };
  const agent = new HttpsAgent(options);
  const handler = new NodeHttpHandler({
    connectionTimeout: settings.connect_timeout.seconds * 1000,
    // Counts silence, also in the middle of a body. The SDK's `requestTimeout` would count an
    // upload.
    socketTimeout: silenceMs,
    httpAgent: new HttpAgent(options),
    httpsAgent: agent,
  });
  return { handler, agent };
}
