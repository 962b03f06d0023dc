import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { openBucket } from '../../bucket/s3/sdk/sdk-bucket.ts';
import { run } from '../../operator/cli/run.ts';
import type { Context } from '../../operator/context.ts';
import { publisherPolicy, readerPolicy } from '../support/s3/policy.ts';
import { type S3Server, startS3Server } from '../support/s3/server.ts';

export const BUCKET = 'fleet';
export const TREE = 'ubuntu';
export const TREE_ID = 'acme/ubuntu';

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

export interface Done {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
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

export async function openOperatorLab(t: TestContext): Promise<OperatorLab> {
  const directory = await mkdtemp(join(tmpdir(), 'miyamoto-test-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const server = await startServer(t);
  const repository = join(directory, 'control-repo');
  await mkdir(repository);
  await git(repository, 'init', '--quiet', '--initial-branch=main');
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
      await git(repository, 'add', '--all');
      await git(repository, 'commit', '--quiet', '--message', path);
      return await git(repository, 'rev-parse', 'HEAD');
    },
    metadata(file) {
      const bytes = server.get(BUCKET, `${TREE}/manifests/metadata/${file}`);
      return JSON.parse(String(bytes)) as MetadataJson;
    },
    files: () => metadataFiles(server),
  };
  await lab.write('.gitignore', 'miyamoto.yaml\n*.root.json\n.miyamoto/\n');
  await lab.commit('manifests/site.pp', 'node default { }\n');
  await lab.git('branch', 'testing');
  return lab;
}

export async function startServer(t: TestContext): Promise<S3Server> {
  const place = { bucket: BUCKET, tree: TREE };
  const policy = [...publisherPolicy(place), ...readerPolicy(place)];
  const server = await startS3Server({
    users: [{ accessKeyId: 'OPERATOR', secretAccessKey: 'operator-secret', policy }],
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

export async function initialized(t: TestContext, ...more: string[]): Promise<OperatorLab> {
  const lab = await openOperatorLab(t);
  const done = await lab.mm(initArgs(lab, ...more));
  if (done.exitCode !== 0) throw new Error(done.stderr);
  return lab;
}

export function initArgs({ server }: OperatorLab, ...more: string[]): string[] {
  const args = ['init', '--bucket', BUCKET, '--tree', TREE, '--id', TREE_ID, '--json'];
  return [...args, '--endpoint', server.endpoint, ...more];
}

async function mm(
  { directory, repository }: OperatorLab,
  args: readonly string[],
  more: Partial<Context> = {},
): Promise<Done> {
  let stdout = '';
  let stderr = '';
  const context: Context = {
    cwd: repository,
    home: join(directory, 'home'),
    env: { PATH: process.env['PATH'], HOME: join(directory, 'home') },
    user: 'Ann Lee',
    host: 'laptop',
    now: () => Date.now(),
    notice: (line) => {
      stderr += `${line}\n`;
    },
    setLogFormat: () => undefined,
    ask: undefined,
    openBucket,
    ...more,
  };
  const exitCode = await run(args, context, {
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
  });
  return { exitCode, stdout, stderr, json: args.includes('--json') ? parse(stdout) : undefined };
}

function parse(stdout: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}
