import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Bucket } from '../../bucket/bucket.ts';
import { openBucket } from '../../bucket/s3/sdk/sdk-bucket.ts';
import type { Context } from '../../operator/context.ts';
import { type MmDone, runMm } from '../support/run-mm.ts';
import {
  cleanerPolicy,
  machinePolicy,
  publisherPolicy,
  reporterPolicy,
} from '../support/s3/policy.ts';
import { type S3Server, startS3Server } from '../support/s3/server.ts';
import '../support/known-scrypt.ts';

export const BUCKET = 'fleet';
export const TREE = 'ubuntu';
export const TREE_ID = 'acme/ubuntu';
/** The credentials of all hosts. */
export const MACHINE = { accessKeyId: 'MACHINE', secretAccessKey: 'machine-secret' };

/** What removes a lab when it ends: a test. */
export interface Owner {
  after(end: () => unknown): void;
}

/** The environment of an operator: a git repository with two branches, an S3 server, and mm. */
export interface OperatorLab {
  readonly server: S3Server;
  /** Removed after the test. */
  readonly directory: string;
  /** The git repository; its work tree is on branch `main`. */
  readonly repository: string;
  /** Runs mm in this process. Returns the exit code, its output, and the document of `--json`. */
  mm(args: readonly string[], more?: Partial<Context>): Promise<Done>;
  git(...args: string[]): Promise<string>;
  write(path: string, content: string): Promise<void>;
  /** Writes the file and commits all changes. Returns the commit. */
  commit(path: string, content: string): Promise<string>;
  /** A metadata file from the bucket. */
  metadata(file: string): MetadataJson;
  /** Names of the metadata files in the bucket. */
  files(): string[];
}

export interface Done extends MmDone {
  // biome-ignore lint/suspicious/noExplicitAny: tests look at single fields of many documents
  readonly json: any;
}

export interface MetadataJson {
  // biome-ignore lint/suspicious/noExplicitAny: tests look at single fields of many documents
  readonly signed: any;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

const runFile = promisify(execFile);
const GIT_ENV = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.com',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.com',
  GIT_AUTHOR_DATE: '2026-03-01T12:00:00Z',
  GIT_COMMITTER_DATE: '2026-03-01T12:00:00Z',
};

export async function git(directory: string, ...args: string[]): Promise<string> {
  const { stdout } = await runFile('git', ['-C', directory, ...args], { env: GIT_ENV });
  return stdout.trim();
}

/**
 * Commits all changes and returns the commit. One child process, not three: each fork copies the
 * page tables of this large process, which costs more than what git does.
 */
async function commitAll(directory: string, message: string, before = ''): Promise<string> {
  const script = `${before}
    git add --all
    git commit --quiet --message "$1"
    git rev-parse HEAD`;
  const options = { cwd: directory, env: GIT_ENV };
  const { stdout } = await runFile('sh', ['-euc', script, 'sh', message], options);
  return stdout.trim();
}

export async function openOperatorLab(t: Owner): Promise<OperatorLab> {
  const lab = await labIn(t, await temporaryFolder(t));
  await lab.write('.gitignore', 'miyamoto.yaml\n*.root.json\n.miyamoto/\n');
  await lab.write('manifests/site.pp', 'node default { }\n');
  await commitAll(lab.repository, 'manifests/site.pp', 'git init --quiet --initial-branch=main');
  await lab.git('branch', 'testing');
  return lab;
}

async function temporaryFolder(t: Owner): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'miyamoto-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function labIn(t: Owner, directory: string): Promise<OperatorLab> {
  const server = await startServer(t);
  const repository = join(directory, 'control-repo');
  const lab: OperatorLab = {
    server,
    directory,
    repository,
    mm: (args, more) => mm(lab, args, more),
    git: (...args) => git(repository, ...args),
    async write(path, content) {
      await mkdir(dirname(join(repository, path)), { recursive: true });
      await writeFile(join(repository, path), content);
    },
    async commit(path, content) {
      await lab.write(path, content);
      return await commitAll(repository, path);
    },
    metadata(file) {
      const bytes = server.get(BUCKET, `${TREE}/manifests/metadata/${file}`);
      return JSON.parse(String(bytes)) as MetadataJson;
    },
    files: () => metadataFiles(server),
  };
  return lab;
}

export async function startServer(t: Owner): Promise<S3Server> {
  const place = { bucket: BUCKET, tree: TREE };
  const policy = [...publisherPolicy(place), ...reporterPolicy(place), ...cleanerPolicy(place)];
  const server = await startS3Server({
    users: [
      { accessKeyId: 'OPERATOR', secretAccessKey: 'operator-secret', policy },
      { ...MACHINE, policy: machinePolicy(place) },
    ],
    buckets: [BUCKET],
  });
  t.after(() => server.close());
  // Where the SDK reads its credentials. Each test file runs in a separate process.
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: 'OPERATOR',
    AWS_SECRET_ACCESS_KEY: 'operator-secret',
    AWS_REGION: server.region,
  });
  return server;
}

export function metadataFiles(server: S3Server): string[] {
  const prefix = `${TREE}/manifests/metadata/`;
  const keys = server.keys(BUCKET).filter((key) => key.startsWith(prefix));
  return keys.map((key) => key.slice(prefix.length)).sort();
}

/** A lab whose tree is initialized. Without further arguments it is built once per test file. */
export function initialized(t: Owner, ...more: string[]): Promise<OperatorLab> {
  return more.length === 0 ? plainTree(t) : newTree(t, ...more);
}

const plainTree = copiedPerTest(newTree);

async function newTree(t: Owner, ...more: string[]): Promise<OperatorLab> {
  const lab = await openOperatorLab(t);
  const done = await lab.mm(initArgs(lab, ...more));
  if (done.exitCode !== 0) throw new Error(done.stderr);
  return lab;
}

/**
 * Builds a lab in the first test that asks for it, and gives each test a copy of its directory and
 * its bucket, on a server of its own: a copy costs a tenth of the commands that built it.
 */
export function copiedPerTest(
  build: (t: Owner) => Promise<OperatorLab>,
): (t: Owner) => Promise<OperatorLab> {
  let saved: Promise<SavedLab> | undefined;
  return async (t) => {
    saved ??= save(build);
    return await copyOf(t, await saved);
  };
}

interface SavedLab {
  readonly endpoint: string;
  /** Removed when the process ends. */
  readonly directory: string;
  readonly objects: ReadonlyMap<string, Buffer>;
}

async function save(build: (t: Owner) => Promise<OperatorLab>): Promise<SavedLab> {
  await using cleanup = new AsyncDisposableStack();
  const lab = await build({ after: (end) => cleanup.defer(async () => void (await end())) });
  const directory = await mkdtemp(join(tmpdir(), 'miyamoto-test-'));
  removeAtExit(directory);
  await copyFiles(lab.directory, directory);
  return { endpoint: lab.server.endpoint, directory, objects: snapshotOf(lab.server) };
}

const directories: string[] = [];

function removeAtExit(directory: string): void {
  if (directories.length === 0) {
    process.once('exit', () => {
      for (const each of directories) rmSync(each, { recursive: true, force: true });
    });
  }
  directories.push(directory);
}

async function copyOf(t: Owner, saved: SavedLab): Promise<OperatorLab> {
  const lab = await labIn(t, await temporaryFolder(t));
  await copyFiles(saved.directory, lab.directory);
  putBack(lab.server, saved.objects);
  const config = join(lab.repository, 'miyamoto.yaml');
  const text = await readFile(config, 'utf8');
  await writeFile(config, text.replace(saved.endpoint, lab.server.endpoint));
  return lab;
}

async function copyFiles(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}

/** Everything in the bucket, to be put back later. */
export function snapshotOf(server: S3Server): ReadonlyMap<string, Buffer> {
  return new Map(
    server.keys(BUCKET).map((key) => [key, server.get(BUCKET, key) ?? Buffer.alloc(0)]),
  );
}

export function putBack(server: S3Server, objects: ReadonlyMap<string, Buffer>): void {
  for (const key of server.keys(BUCKET)) server.delete(BUCKET, key);
  for (const [key, bytes] of objects) server.put(BUCKET, key, bytes);
}

export function initArgs({ server }: OperatorLab, ...more: string[]): string[] {
  const args = ['init', '--bucket', BUCKET, '--tree', TREE, '--id', TREE_ID, '--json'];
  return [...args, '--endpoint', server.endpoint, ...more];
}

/** With another `now`, S3 has the same time. */
async function mm(
  { directory, repository }: OperatorLab,
  args: readonly string[],
  more: Partial<Context> = {},
): Promise<Done> {
  const done = await runMm(repository, args, {
    home: join(directory, 'home'),
    env: { PATH: process.env['PATH'], HOME: join(directory, 'home') },
    user: 'Ann Lee',
    openBucket: (...wanted) => openBucketAt(more.now, wanted),
    ...more,
  });
  return { ...done, json: args.includes('--json') ? parse(done.stdout) : undefined };
}

async function openBucketAt(
  now: Context['now'] | undefined,
  wanted: Parameters<typeof openBucket>,
): Promise<Bucket> {
  const bucket = await openBucket(...wanted);
  if (now === undefined) return bucket;
  const get: Bucket['get'] = async (...args) => {
    const found = await bucket.get(...args);
    return { ...found, serverDate: found.serverDate && now() };
  };
  return new Proxy(bucket, {
    get(target, name) {
      if (name === 'get') return get;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function parse(stdout: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}
