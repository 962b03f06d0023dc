import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BaseFetcher, Updater } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import type { TrustedMetadataStore } from 'tuf-js/dist/store.js';

/** What a client accepted: the version of each role, and the release that it would install. */
export interface Taken {
  readonly versions: Readonly<Record<string, number | undefined>>;
  readonly sha256: string | undefined;
}

/**
 * tuf-js as its users use it, with its own cache on disk: the reference for trust/reader.ts, which
 * replaces what is around the library's workflow. Only the clock is set, because the library has no
 * parameter for it.
 */
export class ReferenceClient implements AsyncDisposable {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async create(root: Uint8Array): Promise<ReferenceClient> {
    const directory = await mkdtemp(join(tmpdir(), 'mm-reference-'));
    await writeFile(join(directory, 'root.json'), root);
    return new ReferenceClient(directory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  /**
   * Throws what the library throws. Then it keeps only newer roots, as a host does (ADR 0011): the
   * library alone would also keep the files before the one that it refused.
   */
  async refresh(files: ReadonlyMap<string, Buffer>, now: number): Promise<Taken> {
    const before = await this.#cached();
    try {
      return await this.#refresh(files, now);
    } catch (error) {
      for (const name of (await this.#cached()).keys()) await rm(join(this.#directory, name));
      for (const [name, bytes] of before) await writeFile(join(this.#directory, name), bytes);
      throw error;
    }
  }

  async #refresh(files: ReadonlyMap<string, Buffer>, now: number): Promise<Taken> {
    const updater = new Updater({
      metadataDir: this.#directory,
      metadataBaseUrl: 'https://reference.example.com',
      fetcher: new MemoryFetcher(files),
    });
    const { trustedSet } = updater as unknown as { trustedSet: TrustedMetadataStore };
    Object.assign(trustedSet, { referenceTime: new Date(now) });
    await updater.refresh();
    const info = await updater.getTargetInfo('stable/current');
    const { root, timestamp, snapshot, targets } = trustedSet;
    const documents = { root, timestamp, snapshot, targets };
    const versions = Object.entries(documents).map(([role, each]) => [role, each?.signed.version]);
    return { versions: Object.fromEntries(versions), sha256: info?.hashes['sha256'] };
  }

  /** Without the root. */
  async #cached(): Promise<Map<string, Buffer>> {
    const names = (await readdir(this.#directory)).filter((name) => name !== 'root.json');
    const read = names.map(
      async (name) => [name, await readFile(join(this.#directory, name))] as const,
    );
    return new Map(await Promise.all(read));
  }
}

class MemoryFetcher extends BaseFetcher {
  readonly #files: ReadonlyMap<string, Buffer>;

  constructor(files: ReadonlyMap<string, Buffer>) {
    super();
    this.#files = files;
  }

  async fetch(url: string): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const bytes = this.#files.get(decodeURIComponent(url.split('/').at(-1) ?? ''));
    if (bytes === undefined) throw new DownloadHTTPError(`no ${url}`, 404);
    return new Blob([new Uint8Array(bytes)]).stream();
  }
}
