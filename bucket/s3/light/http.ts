import type { Agent, IncomingMessage } from 'node:http';
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
 * Connections to one place, kept open between requests as long as `request_timeout`.
 * `proxyEnvironment` has `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`.
 */
export function openConnection(
  place: S3Place,
  settings: S3Settings,
  proxyEnvironment: NodeJS.ProcessEnv,
): HttpConnection {
  // Not imported: TLS takes a quarter of the whole start, and an import of node:http loads fetch
  // and WebSocket as well.
  const http = process.getBuiltinModule(place.isTls ? 'node:https' : 'node:http');
  const silenceMs = settings.request_timeout.seconds * 1000;
  const connectMs = settings.connect_timeout.seconds * 1000;
  const agent: Agent = new http.Agent({
    keepAlive: true,
    proxyEnv: proxyEnvironment,
    // Close idle connections here: a NAT on the way forgets them without telling anybody.
    timeout: silenceMs,
  });
  return {
    send({ body, ...request }) {
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
      return promise;
    },
    close: () => agent.destroy(),
  };
}

/** Has the name of the SDK's own error, by which the retry recognises it as temporary. */
function timeout(message: string): Error {
  return Object.assign(new Error(message), { name: 'TimeoutError' });
}
