import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newTreeKeys, TufSimulator } from '../support/tuf/simulator.ts';
import { RepositoryServer } from './repository-server.ts';

const CLIENT = join(import.meta.dirname, 'client');
/**
 * One set of keys for all: the same steps make the same bytes, so the state of a client can be
 * copied.
 */
const keys = newTreeKeys();

export interface Ran {
  readonly code: number;
  /** The error code that the client printed on stderr; empty when it printed nothing. */
  readonly error: string;
}

type Parts = Pick<Scene, 'repository' | 'earlier' | 'server' | 'folder'>;

/** A repository without a tree, its server, and a client under test with separate folders. */
export class Scene implements AsyncDisposable {
  readonly repository: TufSimulator;
  readonly server: RepositoryServer;
  readonly folder: string;
  readonly metadataDir: string;
  readonly targetDir: string;
  /** The repository's files as they were before its last publication. */
  readonly earlier: ReadonlyMap<string, Buffer>;

  private constructor({ repository, earlier, server, folder }: Parts) {
    this.repository = repository;
    this.earlier = earlier;
    this.server = server;
    this.folder = folder;
    this.metadataDir = join(folder, 'metadata');
    this.targetDir = join(folder, 'targets');
  }

  /** A client before its initialization. */
  static async empty(): Promise<Scene> {
    const repository = new TufSimulator({ treeId: '', keys });
    repository.publish('stable', '1.0.0');
    const earlier = new Map(repository.files);
    repository.release('stable', '1.1.0');
    repository.commit(['targets', 'env-stable']);
    const server = await RepositoryServer.start(repository);
    const folder = await mkdtemp(join(tmpdir(), 'mm-conformance-'));
    const scene = new Scene({ repository, earlier, server, folder });
    await mkdir(scene.metadataDir);
    await mkdir(scene.targetDir);
    return scene;
  }

  /** A client with the stored files of another one, and a repository as that one found it. */
  static async after(other: Scene): Promise<Scene> {
    const scene = await Scene.empty();
    const whole = { recursive: true, verbatimSymlinks: true };
    await cp(other.metadataDir, scene.metadataDir, whole);
    return scene;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }

  async init(root: Uint8Array = this.repository.files.get('1.root.json')!): Promise<Ran> {
    const file = join(this.folder, 'initial-root.json');
    await writeFile(file, root);
    return await this.#run(['init', file]);
  }

  async refresh(): Promise<Ran> {
    return await this.#run(['--metadata-url', `${this.server.url}/metadata/`, 'refresh']);
  }

  async download(...targets: readonly string[]): Promise<Ran> {
    const names = targets.flatMap((target) => ['--target-name', target]);
    const from = ['--metadata-url', `${this.server.url}/metadata`];
    const to = ['--target-base-url', `${this.server.url}/targets`, '--target-dir', this.targetDir];
    return await this.#run([...from, ...names, ...to, 'download']);
  }

  /** The versions that the client reports as trusted, by role. */
  async trusted(): Promise<Record<string, number>> {
    const versions: Record<string, number> = {};
    for (const file of (await readdir(this.metadataDir)).sort()) {
      if (!file.endsWith('.json')) continue;
      const bytes = await readFile(join(this.metadataDir, file), 'utf8');
      versions[file] = (JSON.parse(bytes) as { signed: { version: number } }).signed.version;
    }
    return versions;
  }

  /** The versions that an honest repository would have now, by role. */
  published(): Record<string, number> {
    const { root, snapshot, targets, timestamp } = this.repository;
    const documents = Object.entries({ root, snapshot, targets, timestamp });
    return Object.fromEntries(documents.map(([role, { version }]) => [`${role}.json`, version]));
  }

  async downloaded(): Promise<string[]> {
    const files = await readdir(this.targetDir);
    return await Promise.all(
      files.sort().map((file) => readFile(join(this.targetDir, file), 'utf8')),
    );
  }

  #run(args: readonly string[]): Promise<Ran> {
    const { promise, resolve } = Promise.withResolvers<Ran>();
    execFile(CLIENT, ['--metadata-dir', this.metadataDir, ...args], (error, _stdout, stderr) => {
      const [said = ''] = /^[A-Z0-9_]+(?=: )/.exec(stderr) ?? [stderr];
      resolve({ code: error === null ? 0 : Number(error.code), error: said });
    });
    return promise;
  }
}
