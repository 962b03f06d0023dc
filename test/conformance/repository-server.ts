import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { TufSimulator } from '../support/tuf/simulator.ts';

/** Far above every limit but finite: a client that reads that much fails and does not hang. */
const ENDLESS_CHUNKS = 64;
const CHUNK = Buffer.alloc(1024 ** 2, ' ');

/**
 * A simulated repository behind plain HTTP: `/metadata/<file>` and
 * `/targets/<folder>/<sha256>.<file>`.
 */
export class RepositoryServer implements AsyncDisposable {
  /** Requested paths, in order. */
  readonly requests: string[] = [];
  /** A path with an endless body. */
  endless: string | undefined;
  readonly #server: Server;
  readonly #repository: TufSimulator;

  private constructor(repository: TufSimulator) {
    this.#repository = repository;
    this.#server = createServer((request, response) => {
      this.#answer(request.url ?? '', response).catch(() => response.destroy());
    });
  }

  static async start(repository: TufSimulator): Promise<RepositoryServer> {
    const server = new RepositoryServer(repository);
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #answer(path: string, response: ServerResponse): Promise<void> {
    this.requests.push(path);
    // The simulator uses another year than the machine: the client must use this date.
    response.setHeader('Date', new Date(this.#repository.now).toUTCString());
    if (path === this.endless) {
      await pipeline(Readable.from(Array.from({ length: ENDLESS_CHUNKS }, () => CHUNK)), response);
      return;
    }
    const bytes = this.#find(path);
    response.statusCode = bytes === undefined ? 404 : 200;
    response.end(bytes);
  }

  #find(path: string): Buffer | undefined {
    const { files, blobs } = this.#repository;
    const [, metadata] = /^\/metadata\/(.+)$/.exec(path) ?? [];
    if (metadata !== undefined) return files.get(metadata);
    const [, sha256 = ''] = /^\/targets\/(?:.+\/)?([0-9a-f]{64})\./.exec(path) ?? [];
    return blobs.get(sha256);
  }
}
