import { CodedError } from '../../../shared/coded-error.ts';
import type { HostBucket } from '../../bucket.ts';

/**
 * Opens a bucket. When a variable or a file of the host is wrong, the bucket is opened again at
 * each request, and the request throws the error. The host can meanwhile apply its release, which
 * may repair that file. Throws errors that are not a CodedError at once.
 */
export async function openOrLater(
  name: string,
  open: () => Promise<HostBucket>,
): Promise<HostBucket> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return new UnopenedBucket(name, open);
  }
}

class UnopenedBucket implements HostBucket {
  readonly name: string;
  readonly #open: () => Promise<HostBucket>;
  #opened: HostBucket | undefined;

  constructor(name: string, open: () => Promise<HostBucket>) {
    this.name = name;
    this.#open = open;
  }

  async get(...request: Parameters<HostBucket['get']>) {
    return await (await this.#bucket()).get(...request);
  }

  async open(...request: Parameters<HostBucket['open']>) {
    return await (await this.#bucket()).open(...request);
  }

  async put(...request: Parameters<HostBucket['put']>) {
    return await (await this.#bucket()).put(...request);
  }

  close(): void {
    this.#opened?.close();
  }

  async #bucket(): Promise<HostBucket> {
    this.#opened ??= await this.#open();
    return this.#opened;
  }
}
