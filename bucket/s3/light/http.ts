import type { Agent, IncomingMessage } from 'node:http';
import type { Agent as TlsAgent } from 'node:https';
import { nameCertificate } from '../connection/peer-certificate.ts';
import { nameProxy, proxyEnvironment } from '../connection/proxy.ts';
import type { S3Settings } from '../settings.ts';
import type { S3Place } from './place.ts';

/** One HTTP request, tried once. */
export interface HttpRequest {
  readonly method: 'GET' | 'PUT';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

export interface HttpConnection {
  /**
   * Resolves with the head of the answer; the caller reads its body or destroys it. Rejects with
   * Node's own errors.
   */
  send(request: HttpRequest): Promise<IncomingMessage>;
  /** Frees sockets. */
  close(): void;
}

/**
 * Connections to one place. They stay open between requests for `request_timeout`. `proxy` is the
 * URL of the proxy on the path, if there is one.
 */
export function openConnection(
  place: S3Place,
  settings: S3Settings,
  proxy: string | undefined,
): HttpConnection {
  // Loaded on demand: TLS is a quarter of the start, and an import of node:http also loads fetch
  // and WebSocket.
  const http = process.getBuiltinModule(place.isTls ? 'node:https' : 'node:http');
  const silenceMs = settings.request_timeout.seconds * 1000;
  const connectMs = settings.connect_timeout.seconds * 1000;
  const agent: Agent = new http.Agent({
    keepAlive: true,
    proxyEnv: proxyEnvironment(proxy),
    // Close idle connections here: a NAT on the way drops them without a packet to either side.
    timeout: silenceMs,
  });
  return {
    async send({ body, ...request }) {
      const { hostname, port } = place;
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
      const sent = http.request({ ...request, hostname, port, agent }, resolve);
      sent.on('error', reject);
      sent.setTimeout(silenceMs, () => sent.destroy(timeout(`silent for ${silenceMs} ms`)));
      const connecting = setTimeout(
        () => sent.destroy(timeout(`no connection within ${connectMs} ms`)),
        connectMs,
      );
      const connected = () => clearTimeout(connecting);
      sent.once('close', connected).once('socket', (socket) => {
        if (socket.connecting) socket.once('connect', connected);
        else connected();
      });
      sent.end(body);
      try {
        return await promise;
      } catch (error) {
        if (place.isTls) await nameCertificate(error, { hostname, port, agent: agent as TlsAgent });
        nameProxy(error, proxy);
        throw error;
      }
    },
    close: () => agent.destroy(),
  };
}

/** The SDK's retry recognises a temporary error by this name. */
function timeout(message: string): Error {
  return Object.assign(new Error(message), { name: 'TimeoutError' });
}
