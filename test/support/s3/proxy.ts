import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ForwardProxy extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** `GET http://…` for plain HTTP, `CONNECT host:port` for HTTPS. */
  readonly asked: string[];
  /** The `proxy-authorization` headers of all requests, decoded: `user:password`. */
  readonly users: (string | undefined)[];
}

export interface ProxyOptions {
  /**
   * Where each tunnel leads, whatever name was asked for: a port on 127.0.0.1. Left out: every
   * tunnel is refused.
   */
  readonly tunnelTo?: number;
  /** Speaks TLS with its clients. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** A forward proxy on 127.0.0.1 that passes plain HTTP on. */
export async function startForwardProxy(options: ProxyOptions = {}): Promise<ForwardProxy> {
  const { tunnelTo, tls } = options;
  const asked: string[] = [];
  const users: (string | undefined)[] = [];
  const note = (incoming: IncomingMessage) => {
    asked.push(`${incoming.method} ${incoming.url}`);
    users.push(userOf(incoming));
  };
  const onRequest = (incoming: IncomingMessage, response: ServerResponse) => {
    note(incoming);
    passOn(incoming, response);
  };
  const server = tls === undefined ? createServer(onRequest) : createTlsServer(tls, onRequest);
  const sockets = new Set<Socket>();
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    note(incoming);
    sockets.add(socket);
    socket.on('error', () => {});
    if (tunnelTo === undefined) socket.end('HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n');
    else openTunnel(socket, tunnelTo);
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  const { port } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    asked,
    users,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      for (const socket of sockets) socket.destroy();
      await closed.promise;
    },
  };
}

function userOf({ headers }: IncomingMessage): string | undefined {
  const basic = /^Basic (.+)$/.exec(headers['proxy-authorization'] ?? '')?.[1];
  return basic === undefined ? undefined : Buffer.from(basic, 'base64').toString();
}

function openTunnel(socket: Socket, port: number): void {
  const server = connect(port, '127.0.0.1', () => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    server.pipe(socket).pipe(server);
  });
  server.on('error', () => socket.destroy());
  socket.on('close', () => server.destroy());
}

function passOn(incoming: IncomingMessage, response: ServerResponse): void {
  const { method, url = '', headers } = incoming;
  const outgoing = request(url, { method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on('error', () => response.destroy());
  incoming.pipe(outgoing);
}
