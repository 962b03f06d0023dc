import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Trusted } from '../../../trust/metadata/trusted.ts';
import { type Refresh, type RefreshOptions, readTrusted, refresh } from '../../../trust/reader.ts';
import { SIMULATED_NOW, type TufSimulator } from './simulator.ts';
import { sha256 } from './simulator-keys.ts';

/**
 * The trust-related part of a host: its trust directory, its clock, and the ETag that it stored
 * last.
 */
export class SimulatedHost implements AsyncDisposable {
  readonly directory: string;
  /** ms since 1970. */
  now = SIMULATED_NOW;
  etag: string | undefined;
  packagedRoot: Uint8Array;
  environments: readonly string[] = ['stable'];
  readonly #folder: string;
  #repository: TufSimulator;

  private constructor(folder: string, repository: TufSimulator) {
    this.#folder = folder;
    this.directory = join(folder, 'trust');
    this.#repository = repository;
    this.packagedRoot = repository.files.get('1.root.json')!;
  }

  static async create(repository: TufSimulator): Promise<SimulatedHost> {
    return new SimulatedHost(await mkdtemp(join(tmpdir(), 'mm-trust-')), repository);
  }

  /** A host that has taken stable 1.0.0 and removed what was there before. */
  static async polled(repository: TufSimulator): Promise<SimulatedHost> {
    const host = await SimulatedHost.create(repository);
    repository.publish('stable', '1.0.0');
    await host.refresh();
    await host.refresh();
    repository.source.drainRequests();
    return host;
  }

  /** A polled host that has seen the online key change twice. */
  static async rotated(repository: TufSimulator): Promise<SimulatedHost> {
    const host = await SimulatedHost.polled(repository);
    for (let times = 0; times < 2; times += 1) {
      repository.rotateOnline('timestamp', 'snapshot');
      repository.commit();
    }
    await host.refresh();
    await host.refresh();
    return host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** From now on the host's bucket is another repository. */
  pointTo(repository: TufSimulator): void {
    this.#repository = repository;
  }

  /** A successful poll stores the ETag, as after a complete install. */
  async refresh(change: Partial<RefreshOptions> = {}): Promise<Refresh> {
    const result = await refresh({
      ...this.#options(),
      source: this.#repository.source,
      etag: this.etag,
      ...change,
    });
    this.etag = result.etag;
    return result;
  }

  /** Polls, and returns the release that `stable` offers. */
  async stableVersion(): Promise<string | undefined> {
    const { trusted } = await this.refresh();
    return trusted.environments.get('stable')?.current?.custom.version;
  }

  async readTrusted(): Promise<Trusted | undefined> {
    return await readTrusted(this.#options());
  }

  /**
   * Every trusted file with its digest, and every name in the directory: an attack must not change
   * them.
   */
  async onDisk(): Promise<{ files: Record<string, string>; names: string[] }> {
    const current = join(this.directory, 'current');
    const files: Record<string, string> = {};
    for (const name of (await readdir(current).catch(() => [])).sort()) {
      files[name] = sha256(await readFile(join(current, name)));
    }
    return { files, names: (await readdir(this.directory).catch(() => [])).sort() };
  }

  #options() {
    const { directory, packagedRoot, environments } = this;
    return { directory, packagedRoot, environments, clock: { now: () => this.now } };
  }
}
