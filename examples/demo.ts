import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machinePolicy, publisherPolicy, readerPolicy } from '../test/support/s3/policy.ts';
import { startS3Server } from '../test/support/s3/server.ts';

/**
 * All of Miyamoto on one machine, as the current user, in one temporary folder: an S3 server on
 * loopback, an operator who publishes, and a host that applies. Everything that it starts ends when
 * it ends.
 */

const BUCKET = 'masterless-puppet.example.com';
const TREE = 'ubuntu';
const CERTNAME = 'web1.example.com';
const PROJECT = join(import.meta.dirname, '..');
const stay = process.argv.includes('--stay');

const user = (name: string) => ({
  accessKeyId: `DEMO${name.toUpperCase()}`.padEnd(20, '0'),
  secretAccessKey: `demo-secret-of-the-${name}`.padEnd(40, '0'),
});
const publisher = user('publisher');
const machine = user('machine');
const reader = user('reader');

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());

const timings: [string, number][] = [];
const folder = await mkdtemp(join(tmpdir(), 'miyamoto-demo-'));
try {
  await demo();
} catch (error) {
  if (!stop.signal.aborted) throw error;
  say('stopped');
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exit(stop.signal.aborted && !stay ? 130 : 0);

async function demo(): Promise<void> {
  const place = { bucket: BUCKET, tree: TREE };
  await using server = await startS3Server({
    buckets: [BUCKET],
    users: [
      { ...publisher, policy: publisherPolicy(place) },
      { ...machine, policy: machinePolicy(place) },
      { ...reader, policy: readerPolicy(place) },
    ],
  });
  say(`An S3 server answers on ${server.endpoint}; everything else is below ${folder}`);
  const repository = await makeRepository();
  const host = join(folder, 'host');

  title('The operator makes a tree in the bucket, with its keys');
  const initArguments = ['--bucket', BUCKET, '--tree', TREE, '--id', 'example/ubuntu'];
  await step('mm init', repository, publisher, [
    'init',
    ...initArguments,
    '--environment',
    'stable=main',
    '--endpoint',
    server.endpoint,
    '--keys',
    join(folder, 'keys'),
  ]);
  await installHost(host, repository, server.endpoint);

  title('and publishes the branch "main" as the environment "stable"');
  await step('mm publish stable', repository, publisher, ['publish', 'stable']);

  title('A host takes it and applies it');
  await step('mm-agent --once', host, machine, ['--once', '--root', host]);

  title('The operator changes a line and publishes again');
  await changeRepository(repository);
  await step('mm publish stable', repository, publisher, [
    'publish',
    'stable',
    '--reason',
    'a friendlier message',
  ]);

  title('The host takes the newer release');
  await step('mm-agent --once', host, machine, ['--once', '--root', host]);

  title('What the bucket knows of the host now');
  await step('mm releases', repository, reader, ['releases']);
  await step('mm status', repository, reader, ['status', CERTNAME]);

  title('How long each step took');
  for (const [name, ms] of timings)
    say(`${name.padEnd(20)} ${(ms / 1000).toFixed(1).padStart(6)} s`);
  await goOn(repository, host);
}

async function makeRepository(): Promise<string> {
  const repository = join(folder, 'control-repo');
  await cp(join(PROJECT, 'examples/control-repo'), repository, { recursive: true });
  await git(repository, 'init', '--quiet', '--initial-branch=main');
  await commit(repository, 'A first environment');
  return repository;
}

async function changeRepository(repository: string): Promise<void> {
  const data = join(repository, 'data/common.yaml');
  const text = await readFile(data, 'utf8');
  await writeFile(
    data,
    text.replace(/notice: .*/, 'notice: Changed in git, taken from S3, applied without a server.'),
  );
  await commit(repository, 'A friendlier message of the day');
  say((await git(repository, 'diff', '--unified=0', 'HEAD~1', '--', 'data')).trimEnd());
}

async function installHost(host: string, repository: string, endpoint: string): Promise<void> {
  const config = join(host, 'etc/miyamoto');
  await mkdir(config, { recursive: true });
  await cp(join(repository, `${TREE}.root.json`), join(config, 'root.json'));
  await writeFile(
    join(config, 'agent.yaml'),
    `bucket: ${BUCKET}\ntree: ${TREE}\ncertname: ${CERTNAME}\ns3: { endpoint: '${endpoint}', region: us-east-1 }\n`,
  );
}

async function goOn(repository: string, host: string): Promise<void> {
  title('To continue by hand');
  if (!stay) {
    say('npm run demo -- --stay     keeps the server until Ctrl-C and prints the commands');
    return;
  }
  say(`cd ${repository}
export HOME=${folder} AWS_REGION=us-east-1 AWS_ACCESS_KEY_ID=${publisher.accessKeyId} AWS_SECRET_ACCESS_KEY=${publisher.secretAccessKey}
alias mm='${process.execPath} ${join(PROJECT, 'dist/mm.mjs')}'
alias mm-agent='${process.execPath} ${join(PROJECT, 'dist/mm-agent.mjs')} --root ${host}'
mm releases; mm publish stable --working-tree --noop
mm-agent status; mm-agent facts os example_role
Ctrl-C here ends the server and removes ${folder}`);
  if (!stop.signal.aborted) await once(stop.signal, 'abort');
}

async function step(
  name: string,
  cwd: string,
  credentials: { accessKeyId: string; secretAccessKey: string },
  argv: string[],
): Promise<void> {
  const program = name.startsWith('mm-agent') ? 'mm-agent' : 'mm';
  say(`$ ${program} ${argv.join(' ')}`);
  const startedAt = performance.now();
  const child = spawn(process.execPath, [join(PROJECT, `dist/${program}.mjs`), ...argv], {
    cwd,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      ...terminalSettings(),
      HOME: folder,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
  });
  const end = (): void => void child.kill('SIGTERM');
  stop.signal.addEventListener('abort', end);
  const [code] = (await once(child, 'exit')) as [number | null];
  stop.signal.removeEventListener('abort', end);
  stop.signal.throwIfAborted();
  if (code !== 0) throw new Error(`${program} ${argv[0]} ended with ${code}`);
  timings.push([name, performance.now() - startedAt]);
}

/** Whether the programs may print colours. */
function terminalSettings(): NodeJS.ProcessEnv {
  const { TERM, NO_COLOR, FORCE_COLOR } = process.env;
  return { TERM, NO_COLOR, FORCE_COLOR };
}

async function commit(repository: string, message: string): Promise<void> {
  await git(repository, 'add', '--all');
  await git(
    repository,
    '-c',
    'user.name=Demo',
    '-c',
    'user.email=demo@example.com',
    'commit',
    '--quiet',
    '-m',
    message,
  );
}

async function git(cwd: string, ...argv: string[]): Promise<string> {
  const child = spawn('git', argv, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`git ${argv.join(' ')} ended with ${code}`);
  return output;
}

function title(text: string): void {
  say(`\n== ${text}`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
